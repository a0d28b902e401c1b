"""Spend guard of the GPU: the function that counts the cost and stops the endpoint, and its alarms."""

from aws_cdk import Duration, Stack
from aws_cdk.aws_cloudwatch import ComparisonOperator, Metric
from aws_cdk.aws_dynamodb import Table
from aws_cdk.aws_events import Rule, Schedule
from aws_cdk.aws_events_targets import LambdaFunction
from aws_cdk.aws_iam import PolicyStatement
from constructs import Construct

from cloud.observability import GPU_SPEND, NAMESPACE
from handlers.endpoint import running_videos
from handlers.endpoint.gpu_spend import partition
from handlers.endpoint.spend_guard import SCALABLE_DIMENSION
from handlers.settings.guard import GuardSettings
from infra.config import Config
from infra.constructs.alarms import Alarms
from infra.constructs.functions import Functions, allow, allow_rows
from infra.constructs.nag_findings import acknowledge

MINUTES = 5


class SpendGuard(Construct):
    """Checks every five minutes, raises an alarm at ``daily_usd`` and stops the endpoint at ``stop_usd``. Suspends
    scaling in while videos are made.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's own name
        *,
        config: Config,
        sockets: Table,
        alarms: Alarms,
        variant: str,
        configuration_arn: str,
    ) -> None:
        super().__init__(scope, id)
        stack = Stack.of(self)
        endpoint = stack.format_arn(service="sagemaker", resource="endpoint", resource_name=config.endpoint_name)
        targets = stack.format_arn(service="application-autoscaling", resource="scalable-target", resource_name="*")
        # This stack has its own layer: a layer shared across stacks could never be replaced.
        self.function = Functions(self, "Functions", config=config).add_function(
            self,
            "guard",
            environment=GuardSettings.environment(
                sockets_table=sockets.table_name,
                deployment=config.stack_name,
                endpoint_name=config.endpoint_name,
                variant_name=variant,
                max_instances=config.max_instances,
                instance_usd_per_hour=config.instance_usd_per_hour,
                stop_usd=config.stop_usd,
            ),
            statements=[
                allow_rows(
                    ["dynamodb:GetItem", "dynamodb:UpdateItem"],
                    sockets.table_arn,
                    [partition(config.stack_name)],
                    config=config,
                ),
                allow_rows(
                    ["dynamodb:Query", "dynamodb:UpdateItem"],
                    sockets.table_arn,
                    [running_videos.partition(config.endpoint_name)],
                    config=config,
                ),
                PolicyStatement(
                    actions=["application-autoscaling:RegisterScalableTarget"],
                    resources=[targets],
                    conditions={
                        "StringEquals": {
                            "application-autoscaling:service-namespace": "sagemaker",
                            "application-autoscaling:scalable-dimension": SCALABLE_DIMENSION,
                        }
                    },
                ),
                # Application Auto Scaling requires these rights on the endpoint from its caller.
                allow(["sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"], [endpoint]),
                allow(["sagemaker:DescribeEndpointConfig"], [configuration_arn]),
            ],
        )
        acknowledge(
            self,
            "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:application-autoscaling:<AWS::Region>:<AWS::AccountId>:"
            "scalable-target/*]",
            reason="The service gives targets ids of its own and checks its caller against all of them; the namespace, "
            "the dimension and the right to update this one endpoint narrow it down.",
        )
        Rule(
            self,
            "EveryFiveMinutes",
            schedule=Schedule.rate(Duration.minutes(MINUTES)),
            targets=[LambdaFunction(self.function, retry_attempts=0)],
        )
        spend = Metric(
            namespace=NAMESPACE,
            metric_name=GPU_SPEND,
            dimensions_map={"endpoint": config.endpoint_name, "service": "guard"},
            statistic="Maximum",
            period=Duration.minutes(2 * MINUTES),  # a late check leaves no gap
        )
        for name, usd, text in (
            ("Spend", config.daily_usd, f"The GPU has cost {config.daily_usd:g} USD since midnight UTC."),
            ("Stop", config.stop_usd, f"The GPU has cost {config.stop_usd:g} USD and is stopped until midnight UTC."),
        ):
            alarms.add_alarm(
                self,
                name,
                spend,
                threshold=usd,
                comparison=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                periods=1,
                text=text,
            )
        alarms.add_alarm(
            self,
            "Errors-guard",
            self.function.metric_errors(period=Duration.minutes(MINUTES)),
            threshold=0,
            periods=3,
            text="The spend guard has failed for 15 minutes: nothing limits the cost of the GPU. "
            "If videos were being made, nothing ends the suspension of scaling in, either.",
        )
