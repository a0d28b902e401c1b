"""Retention of the endpoint's log group, which SageMaker creates by itself and would keep for ever."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk.aws_logs import LogRetention
from constructs import Construct

from infra.config import Config
from infra.constructs.functions import RETENTION
from infra.constructs.nag_findings import acknowledge

PREFIX = "/aws/sagemaker/Endpoints/"
_PROVIDER = "LogRetention"  # the beginning of its id in the stack


def retain_endpoint_logs(scope: Construct, *, config: Config) -> LogRetention:
    """Keep the endpoint's logs for ``log_days``. The endpoint must depend on what is returned.

    A ``LogGroup`` would fail where an earlier deployment's endpoint has created the group. This custom resource creates
    it only if it does not exist, then sets its retention. Deleted after the endpoint, it deletes the group, too.
    """
    logs = LogRetention(
        scope,
        "EndpointLogs",
        log_group_name=f"{PREFIX}{config.endpoint_name}",
        retention=RETENTION[config.log_days],
        removal_policy=RemovalPolicy.DESTROY,
    )
    (provider,) = (each for each in Stack.of(scope).node.children if each.node.id.startswith(_PROVIDER))
    acknowledge(
        provider,
        "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]",
        "AwsSolutions-IAM5[Resource::*]",
        "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:"
        f"{PREFIX}{config.endpoint_name}:*]",
        reason="The CDK's own function for custom resources, with the CDK's role: it runs during deployments only.",
    )
    return logs
