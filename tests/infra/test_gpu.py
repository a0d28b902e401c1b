"""GPU endpoint: costs money only while there is work."""

import json
import re

import pytest

from containers.worker.settings import Settings
from infra.config import Config
from tests.infra.template import Assembly, Template, text


def test_the_endpoint_scales_from_zero_to_max_instances(gpu: Template) -> None:
    target = gpu.only("ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 10)
    assert target["ResourceId"] == "endpoint/darkroom-test-g4dn-xlarge/variant/gpu"


def test_scaling_from_zero_uses_an_existing_metric(gpu: Template) -> None:
    (alarm,) = [
        resource["Properties"] for name, resource in gpu.of_type("CloudWatch::Alarm") if name.startswith("FromZero")
    ]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SageMaker", "HasBacklogWithoutCapacity")
    assert alarm["Dimensions"] == [{"Name": "EndpointName", "Value": "darkroom-test-g4dn-xlarge"}]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
    (policy,) = [
        (name, resource["Properties"])
        for name, resource in gpu.of_type("ApplicationAutoScaling::ScalingPolicy")
        if resource["Properties"]["PolicyType"] == "StepScaling"
    ]
    assert [text(action) for action in alarm["AlarmActions"]] == [policy[0]]
    steps = policy[1]["StepScalingPolicyConfiguration"]["StepAdjustments"]
    assert steps == [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]


def test_the_endpoint_scales_out_with_the_backlog(gpu: Template) -> None:
    (policy,) = [
        resource["Properties"]["TargetTrackingScalingPolicyConfiguration"]
        for _, resource in gpu.of_type("ApplicationAutoScaling::ScalingPolicy")
        if resource["Properties"]["PolicyType"] == "TargetTrackingScaling"
    ]
    metric = policy["CustomizedMetricSpecification"]
    assert metric["MetricName"] == "ApproximateBacklogSizePerInstance"
    assert metric["Dimensions"] == [{"Name": "EndpointName", "Value": "darkroom-test-g4dn-xlarge"}]


def test_invocation_results_are_published_to_the_core_stacks_topics(gpu: Template, core: Template) -> None:
    exports = {text(o["Export"]["Name"]): text(o["Value"]) for o in core.content["Outputs"].values() if "Export" in o}
    asynchronous = gpu.only("SageMaker::EndpointConfig")["AsyncInferenceConfig"]["OutputConfig"]
    topics = asynchronous["NotificationConfig"]
    assert exports[text(topics["SuccessTopic"])] == core.name_of("SNS::Topic", "ContainerSuccess")
    assert exports[text(topics["ErrorTopic"])] == core.name_of("SNS::Topic", "ContainerError")
    assert topics["IncludeInferenceResponseIn"] == ["SUCCESS_NOTIFICATION_TOPIC", "ERROR_NOTIFICATION_TOPIC"]
    assert text(asynchronous["S3OutputPath"]).endswith("/outcomes/")


def test_dispatch_knows_the_endpoints_name(gpu: Template, core: Template) -> None:
    name = gpu.only("SageMaker::Endpoint")["EndpointName"]
    assert core.function("dispatch")["Environment"]["Variables"]["ENDPOINT_NAME"] == name


def test_another_instance_type_is_another_endpoint() -> None:
    """CloudFormation replaces a resource whose name changes; SageMaker cannot change a scaled variant's type."""
    small, large = (Config.read({"stage": "test", "instance_type": f"ml.{name}.xlarge"}) for name in ("g4dn", "g5"))
    assert small.stack_name == large.stack_name
    assert [small.endpoint_name, large.endpoint_name] == ["darkroom-test-g4dn-xlarge", "darkroom-test-g5-xlarge"]
    assert all(re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", each.endpoint_name) for each in (small, large))


def test_the_old_target_is_deregistered_before_the_old_endpoint_is_deleted(gpu: Template) -> None:
    """CloudFormation removes what was replaced in the opposite order of its dependencies."""
    target = gpu.resources[gpu.name_of("ApplicationAutoScaling::ScalableTarget")]
    assert gpu.name_of("SageMaker::Endpoint") in target["DependsOn"]


def test_a_daily_budget_notifies_the_alarm_topic(gpu: Template) -> None:
    budget = gpu.only("Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 50, "Unit": "USD"}
    assert budget["Budget"]["TimeUnit"] == "DAILY"
    (notification,) = budget["NotificationsWithSubscribers"]
    assert notification["Subscribers"][0]["SubscriptionType"] == "SNS"


def test_model_data_is_uncompressed_and_only_its_prefix_is_readable(gpu: Template) -> None:
    model = gpu.only("SageMaker::Model")
    source = model["PrimaryContainer"]["ModelDataSource"]["S3DataSource"]
    assert source == {"S3Uri": "s3://our-models/darkroom/v1/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    (read,) = [
        resource["Properties"]["PolicyDocument"]["Statement"]
        for name, resource in gpu.of_type("IAM::Policy")
        if name.startswith("Weights")
    ]
    assert [(statement["Action"], text(statement["Resource"])) for statement in read] == [
        ("s3:GetObject", "arn:AWS::Partition:s3:::our-models/darkroom/v1/*"),
        ("s3:ListBucket", "arn:AWS::Partition:s3:::our-models"),
    ]
    assert read[1]["Condition"] == {"StringLike": {"s3:prefix": "darkroom/v1/*"}}


def test_the_container_may_decrypt_with_the_key_of_its_model_data_and_no_other() -> None:
    from aws_cdk import App, Stack  # noqa: PLC0415 - only tests that need a template pay for the CDK
    from aws_cdk.aws_iam import Role, ServicePrincipal  # noqa: PLC0415

    from infra.constructs.model_data import ModelData  # noqa: PLC0415

    key = "arn:aws:kms:us-east-1:111122223333:key/0123"
    found = []
    for arn in (key, None):
        stack = Stack(App(), "Stack")
        role = Role(stack, "Role", assumed_by=ServicePrincipal("sagemaker.amazonaws.com"))
        data = ModelData(stack, "Weights", uri="s3://our-models/darkroom/v1/", role=role, key_arn=arn)
        statements = stack.resolve(data.policy.document.to_json())["Statement"]
        found.append([each["Resource"] for each in statements if each["Action"] == "kms:Decrypt"])
    assert found == [[key], []]


def test_the_endpoint_uses_an_image_with_a_matching_driver(gpu: Template) -> None:
    (variant,) = gpu.only("SageMaker::EndpointConfig")["ProductionVariants"]
    assert variant["InferenceAmiVersion"] == "al2023-ami-sagemaker-inference-gpu-4-1"
    environment = gpu.only("SageMaker::Model")["PrimaryContainer"]["Environment"]
    assert environment["DEVICE"] == "cuda"
    assert json.loads(environment["PRELOAD"]) == ["restyle_room"]


def test_the_containers_environment_matches_its_settings(gpu: Template, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in gpu.only("SageMaker::Model")["PrimaryContainer"]["Environment"].items():
        assert name.lower() in Settings.model_fields or name == "AWS_DEFAULT_REGION"
        monkeypatch.setenv(name, text(value))
    assert Settings.read().models == {}


def test_the_container_knows_its_region(gpu: Template) -> None:
    environment = gpu.only("SageMaker::Model")["PrimaryContainer"]["Environment"]
    assert environment["AWS_DEFAULT_REGION"] == {"Ref": "AWS::Region"}


def test_the_local_stack_has_no_gpu(local: Template) -> None:
    assert not [name for name, resource in local.resources.items() if "SageMaker" in resource["Type"]]


def test_the_image_holds_the_animator_only_where_the_research_licence_is_accepted(
    cloud: Assembly, research: Assembly
) -> None:
    assert [image.get("dockerBuildArgs", {}) for image in cloud.images()] == [{}]
    assert [image["dockerBuildArgs"] for image in research.images()] == [{"ANIMATOR": "1"}]
    environment = research["gpu"].only("SageMaker::Model")["PrimaryContainer"]["Environment"]
    assert environment["ACCEPT_RESEARCH_LICENCE"] == "true"


def test_the_operator_is_told_the_image_and_the_endpoint(gpu: Template) -> None:
    outputs = {name: text(output["Value"]) for name, output in gpu.content["Outputs"].items()}
    assert outputs["EndpointName"] == "darkroom-test-g4dn-xlarge"
    image = gpu.only("SageMaker::Model")["PrimaryContainer"]["Image"]
    assert outputs["ImageUri"] == text(image)


def test_a_deployment_leaves_the_number_of_instances_alone(gpu: Template) -> None:
    assert gpu.only("SageMaker::Endpoint")["RetainAllVariantProperties"] is True


def test_the_endpoints_logs_expire_though_sagemaker_creates_their_group(gpu: Template) -> None:
    plain = [text(each["Properties"].get("LogGroupName", "")) for _, each in gpu.of_type("Logs::LogGroup")]
    assert not [each for each in plain if "Endpoints" in each], "it would fail where the group exists already"
    ((name, logs),) = [(name, each) for name, each in gpu.resources.items() if each["Type"] == "Custom::LogRetention"]
    assert logs["Properties"]["LogGroupName"] == "/aws/sagemaker/Endpoints/darkroom-test-g4dn-xlarge"
    assert logs["Properties"]["RetentionInDays"] == 30
    ((_, endpoint),) = gpu.of_type("SageMaker::Endpoint")
    assert name in endpoint["DependsOn"], "an endpoint that runs longer would create the group again, without an end"


def test_the_endpoints_logs_are_deleted_with_the_stack(gpu: Template) -> None:
    (logs,) = [each["Properties"] for each in gpu.resources.values() if each["Type"] == "Custom::LogRetention"]
    assert logs["RemovalPolicy"] == "destroy"
