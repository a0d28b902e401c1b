"""Values of the templates against the models that botocore carries: those of the operations that CloudFormation calls.

cfn-lint (``test_cfn_lint.py``) knows CloudFormation's schemas, which leave out many of the services' own enumerations.
"""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.model_values import wrong_values
from tests.infra.resource_models import RESOURCE_MODELS, UNMODELLED
from tests.infra.template import Assembly, Template

STACKS = ("core", "gpu", "studio")


@pytest.fixture(scope="module")
def templates(cloud: Assembly, own: Assembly, research: Assembly, local: Template) -> list[Template]:
    """Every template of the tests."""
    return [*(deployment[stack] for deployment in (cloud, own, research) for stack in STACKS), local]


def test_the_services_accept_every_value(templates: list[Template]) -> None:
    assert [remark for template in templates for remark in wrong_values(template)] == []


def test_every_type_has_a_model_or_a_reason(templates: list[Template]) -> None:
    types = {resource["Type"] for template in templates for resource in template.resources.values()}
    assert types == RESOURCE_MODELS.keys() | UNMODELLED.keys()


def places(value: Any, path: list[str]) -> Iterator[Any]:
    """The structures in which the last name of a path stands; lists are followed into their entries."""
    if isinstance(value, list):
        for each in value:
            yield from places(each, path)
    elif isinstance(value, dict) and len(path) == 1:
        if path[0] in value:
            yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from places(value[path[0]], path[1:])


@pytest.mark.parametrize(
    ("stack", "kind", "path", "wrong", "said"),
    [
        ("gpu", "SageMaker::EndpointConfig", "ProductionVariants.InstanceType", "ml.g4dn.huge", "none of"),
        ("gpu", "SageMaker::EndpointConfig", "ProductionVariants.InferenceAmiVersion", "al2023", "none of"),
        ("gpu", "SageMaker::Endpoint", "EndpointName", "darkroom_test", "pattern"),
        (
            "gpu",
            "ApplicationAutoScaling::ScalingPolicy",
            "StepScalingPolicyConfiguration.AdjustmentType",
            "AddCapacity",
            "none of",
        ),
        ("gpu", "Budgets::Budget", "Budget.TimeUnit", "HOURLY", "none of"),
        ("core", "CloudWatch::Alarm", "ComparisonOperator", "GreaterThan", "none of"),
        ("core", "CloudWatch::Alarm", "Statistic", "Max", "none of"),
        ("core", "Lambda::Function", "Runtime", "python3.99", "none of"),
        ("core", "Lambda::Function", "Architectures", ["arm"], "none of"),
        ("core", "Lambda::Function", "MemorySize", 64, "64 is the number"),
        ("core", "Lambda::EventSourceMapping", "StartingPosition", "OLDEST", "none of"),
        ("core", "DynamoDB::Table", "BillingMode", "ON_DEMAND", "none of"),
        ("core", "DynamoDB::Table", "StreamSpecification.StreamViewType", "NEW", "none of"),
        ("core", "DynamoDB::Table", "GlobalSecondaryIndexes.Projection.ProjectionType", "SOME", "none of"),
        ("core", "DynamoDB::Table", "TimeToLiveSpecification.AttributeName", "", "0 characters"),
        ("core", "SQS::Queue", "VisibilitySeconds", 90, "none of CreateQueue takes it"),
        ("core", "S3::Bucket", "LifecycleConfiguration.Rules.Status", "On", "none of"),
        ("core", "S3::Bucket", "OwnershipControls.Rules.ObjectOwnership", "Owner", "none of"),
        ("core", "S3::Bucket", "NotificationConfiguration.QueueConfigurations.Event", "s3:Created", "none of"),
        ("core", "ApiGatewayV2::Api", "ProtocolType", "WS", "none of"),
        ("core", "ApiGatewayV2::Route", "AuthorizationType", "OIDC", "none of"),
        ("core", "Cognito::UserPoolClient", "ExplicitAuthFlows", ["ALLOW_PASSWORD"], "none of"),
        ("core", "Cognito::UserPool", "MfaConfiguration", "MAYBE", "none of"),
        ("studio", "CloudFront::Distribution", "DistributionConfig.HttpVersion", "http4", "none of"),
    ],
)
def test_a_wrong_value_is_named(cloud: Assembly, stack: str, kind: str, path: str, wrong: Any, said: str) -> None:
    template = Template(copy.deepcopy(cloud[stack].content))
    resources = [resource for resource in template.resources.values() if resource["Type"] == f"AWS::{kind}"]
    *_, name = names = path.split(".")
    found = [place for each in resources for place in places(each["Properties"], names)]
    for place in found or [each["Properties"] for each in resources]:
        place[name] = wrong
    template.resources = {name: each for name, each in template.resources.items() if each in resources}
    remarks = wrong_values(template)
    assert remarks
    assert all(f"{path}: " in remark and said in remark for remark in remarks), remarks


def test_a_type_without_a_model_is_named() -> None:
    template = Template({"Resources": {"Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {}}}})
    assert wrong_values(template) == ["Stream (AWS::Kinesis::Stream) has no entry in tests/infra/resource_models.py"]
