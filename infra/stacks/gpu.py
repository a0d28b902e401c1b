"""GPU stack: an asynchronous SageMaker endpoint that scales to zero when idle.

It is a separate stack, so that everything else can be deployed, and run locally, without it.
"""

import json

from aws_cdk import CfnCondition, CfnOutput, Duration, Fn, Stack
from aws_cdk.aws_applicationautoscaling import (
    AdjustmentType,
    MetricAggregationType,
    ScalableTarget,
    ScalingInterval,
    ServiceNamespace,
    StepScalingPolicy,
    TargetTrackingScalingPolicy,
)
from aws_cdk.aws_budgets import CfnBudget
from aws_cdk.aws_iam import Policy
from aws_cdk.aws_sagemaker import CfnEndpoint, CfnEndpointConfig, CfnModel
from constructs import Construct

from handlers.endpoint.spend_guard import SCALABLE_DIMENSION
from infra.config import Config
from infra.constructs.container_image import container_image, image_in_ecr
from infra.constructs.endpoint_alarms import EndpointAlarms, endpoint_metric
from infra.constructs.endpoint_logs import retain_endpoint_logs
from infra.constructs.functions import allow
from infra.constructs.model_data import ModelData
from infra.constructs.nag_findings import acknowledge
from infra.constructs.spend_guard import SpendGuard
from infra.names import FAILURES, NOTICES_WITH_RESPONSE, OUTCOMES
from infra.stacks.core import CoreStack

VARIANT = "gpu"
DOWNLOAD_SECONDS = 1200  # 5 GB of weights take a minute or two
STARTUP_SECONDS = 600  # the server responds at once and preloads networks in the background
DOCKERFILE = "containers/gpu/Dockerfile"


class GpuStack(Stack):
    """Model, endpoint and scaling from 0 to ``max_instances``."""

    def __init__(self, scope: Construct, id: str, *, config: Config, core: CoreStack) -> None:  # noqa: A002
        super().__init__(
            scope, id, stack_name=f"{config.stack_name}-gpu", description="Darkroom: the GPU endpoint and its scaling"
        )
        self._config = config
        self._core = core
        image, repository = self._image()
        self._weights = (
            ModelData(self, "Weights", uri=config.model_data, role=core.worker.role, key_arn=config.model_data_key)
            if config.model_data
            else None
        )
        pull = Policy(
            self,
            "Pull",
            roles=[core.worker.role],
            statements=[
                allow(
                    ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                    [repository],
                ),
                allow(["ecr:GetAuthorizationToken"], ["*"]),
            ],
        )
        acknowledge(
            pull,
            "AwsSolutions-IAM5[Resource::*]",
            reason="ecr:GetAuthorizationToken knows no resource; what it lets in is the one repository above.",
        )
        self.configuration, self.endpoint = self._endpoint(image, pull)
        self._scaling()
        self.guard = SpendGuard(
            self,
            "Guard",
            config=config,
            sockets=core.jobs.sockets,
            alarms=core.alarms,
            variant=VARIANT,
            configuration_arn=self.configuration.ref,
        )
        EndpointAlarms(self, "Endpoints", config=config, alarms=core.alarms, variant=VARIANT)
        self._budget()
        CfnOutput(self, "EndpointName", value=config.endpoint_name)
        CfnOutput(self, "ImageUri", value=image)

    def _image(self) -> tuple[str, str]:
        """Return the image's URI and its repository's ARN."""
        if self._config.image:
            _, repository = image_in_ecr(self, "image", self._config.image)
            return self._config.image, repository
        asset = container_image(
            self,
            "Image",
            DOCKERFILE,
            platform="linux/amd64",
            # The animator's weights may be used only if the research licence is accepted.
            build_args={"ANIMATOR": "1"} if self._config.accept_research_licence else None,
        )
        return asset.image_uri, asset.repository.repository_arn

    def _endpoint(self, image: str, pull: Policy) -> tuple[CfnEndpointConfig, CfnEndpoint]:
        config, core = self._config, self._core
        bucket = core.storage.bucket.bucket_name
        model = CfnModel(
            self,
            "Model",
            execution_role_arn=core.worker.role.role_arn,
            primary_container=CfnModel.ContainerDefinitionProperty(
                image=image,
                model_data_source=self._weights.source if self._weights else None,
                environment={
                    "AWS_DEFAULT_REGION": self.region,  # SageMaker documents no variable for it
                    "JOBS_TABLE": core.jobs.table.table_name,
                    "LEDGER_TABLE": core.ledger.table.table_name,
                    "BUCKET": bucket,
                    "CONCURRENCY": str(config.jobs_per_instance),
                    "LOG_LEVEL": config.log_level,
                    # Not `auto`: an instance whose driver is too old for CUDA must fail, not fall back to its CPU.
                    "DEVICE": "cuda",
                    "MODELS": json.dumps(config.models),
                    "ACCEPT_RESEARCH_LICENCE": str(config.accept_research_licence).lower(),
                    "SPEECH": config.speech,
                    "PRELOAD": json.dumps(config.preload if self._weights else []),
                    "REPORTED_ENGINES": json.dumps(config.reported_engines),
                },
            ),
        )
        model.node.add_dependency(pull)
        if self._weights:
            model.node.add_dependency(self._weights.policy)
        configuration = CfnEndpointConfig(
            self,
            "Configuration",
            production_variants=[
                CfnEndpointConfig.ProductionVariantProperty(
                    model_name=model.attr_model_name,
                    variant_name=VARIANT,
                    instance_type=config.instance_type,
                    initial_instance_count=1,
                    initial_variant_weight=1,
                    inference_ami_version=config.inference_ami,
                    model_data_download_timeout_in_seconds=DOWNLOAD_SECONDS,
                    container_startup_health_check_timeout_in_seconds=STARTUP_SECONDS,
                )
            ],
            async_inference_config=CfnEndpointConfig.AsyncInferenceConfigProperty(
                client_config=CfnEndpointConfig.AsyncInferenceClientConfigProperty(
                    max_concurrent_invocations_per_instance=config.jobs_per_instance
                ),
                output_config=CfnEndpointConfig.AsyncInferenceOutputConfigProperty(
                    s3_output_path=f"s3://{bucket}/{OUTCOMES}",
                    s3_failure_path=f"s3://{bucket}/{FAILURES}",
                    notification_config=CfnEndpointConfig.AsyncInferenceNotificationConfigProperty(
                        success_topic=core.worker.success.topic_arn,
                        error_topic=core.worker.error.topic_arn,
                        include_inference_response_in=list(NOTICES_WITH_RESPONSE),
                    ),
                ),
            ),
        )
        endpoint = CfnEndpoint(
            self,
            "Endpoint",
            # So that the core stack needs no reference. Another name replaces the endpoint: the new one and its target
            # are made first, then the old target is deregistered, and the old endpoint deleted last.
            endpoint_name=config.endpoint_name,
            endpoint_config_name=configuration.attr_endpoint_config_name,
            # Otherwise every deployment sets the fleet to initial_instance_count, which starts or ends instances.
            retain_all_variant_properties=True,
        )
        endpoint.node.add_dependency(retain_endpoint_logs(self, config=config))
        return configuration, endpoint

    def _scaling(self) -> None:
        config = self._config
        target = ScalableTarget(
            self,
            "Instances",
            service_namespace=ServiceNamespace.SAGEMAKER,
            resource_id=f"endpoint/{config.endpoint_name}/variant/{VARIANT}",
            scalable_dimension=SCALABLE_DIMENSION,
            min_capacity=0,
            max_capacity=config.max_instances,
        )
        target.node.add_dependency(self.endpoint)
        TargetTrackingScalingPolicy(
            self,
            "Backlog",
            scaling_target=target,
            custom_metric=endpoint_metric(config.endpoint_name, "ApproximateBacklogSizePerInstance", "Average"),
            # The backlog counts what is in work, too. With a larger target, a fleet whose slots are all busy would look
            # idle, and scaling in would take busy instances away.
            target_value=config.jobs_per_instance,
            scale_out_cooldown=Duration.minutes(2),
            scale_in_cooldown=Duration.minutes(20),
        )
        # Target tracking divides by the number of instances, so only this policy scales out from zero.
        StepScalingPolicy(
            self,
            "FromZero",
            scaling_target=target,
            metric=endpoint_metric(config.endpoint_name, "HasBacklogWithoutCapacity", "Maximum"),
            adjustment_type=AdjustmentType.CHANGE_IN_CAPACITY,
            metric_aggregation_type=MetricAggregationType.MAXIMUM,
            evaluation_periods=1,
            cooldown=Duration.minutes(5),
            scaling_steps=[ScalingInterval(lower=1, change=1), ScalingInterval(upper=0, change=0)],
        )

    def _budget(self) -> None:
        """Add an AWS Budgets alert on SageMaker's billed cost, as a second line behind the spend guard's estimate.

        Bills are hours late, but the alert is free, and works if the guard fails or its hourly price is wrong.
        GovCloud has no billing of its own: its accounts are billed by standard ones, which may have a budget.
        """
        billed = CfnCondition(
            self, "Billed", expression=Fn.condition_not(Fn.condition_equals(self.partition, "aws-us-gov"))
        )
        budget = CfnBudget(
            self,
            "DailySpend",
            budget=CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="DAILY",
                budget_limit=CfnBudget.SpendProperty(amount=self._config.daily_usd, unit="USD"),
                cost_filters={"Service": ["Amazon SageMaker"]},
            ),
            notifications_with_subscribers=[
                CfnBudget.NotificationWithSubscribersProperty(
                    notification=CfnBudget.NotificationProperty(
                        comparison_operator="GREATER_THAN", notification_type="ACTUAL", threshold=100
                    ),
                    subscribers=[
                        CfnBudget.SubscriberProperty(subscription_type="SNS", address=self._core.alarms.topic.topic_arn)
                    ],
                )
            ],
        )
        budget.cfn_options.condition = billed
