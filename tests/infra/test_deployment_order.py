"""Deployment order: what must exist before what, in the graph that CloudFormation follows.

Most of it follows from references. Where nothing refers, only `DependsOn` holds the order, and a deployment without it
fails, or fails sometimes.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.template import Assembly, Template, text


def named(value: Any) -> Iterator[str]:
    """The logical ids that a value refers to."""
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), *_]} | {"Fn::GetAtt": str(name)}:
            yield name.partition(".")[0]
        case {"Fn::Sub": body}:
            yield from re.findall(r"\$\{(\w+)", json.dumps(body))
            yield from named(body[1:] if isinstance(body, list) else [])
        case dict():
            for each in value.values():
                yield from named(each)
        case list():
            for each in value:
                yield from named(each)


def made_before(template: Template, name: str) -> set[str]:
    """Everything that CloudFormation makes before a resource, directly or not."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        resource = template.resources[waiting.pop()]
        depends = resource.get("DependsOn", [])
        direct = {*named(resource.get("Properties", {})), *([depends] if isinstance(depends, str) else depends)}
        new = {each for each in direct if each in template.resources} - found
        found |= new
        waiting += new
    return found


@pytest.fixture(params=["core", "gpu", "studio"])
def stack(request: pytest.FixtureRequest, cloud: Assembly) -> Template:
    return cloud[request.param]


def test_the_queue_lets_s3_send_before_the_bucket_notifies_it(core: Template) -> None:
    bucket = core.name_of("S3::Bucket", "StoragePictures")
    (queue,) = {
        text(each["Queue"])
        for each in core.resources[bucket]["Properties"]["NotificationConfiguration"]["QueueConfigurations"]
    }
    (policy,) = [
        name
        for name, resource in core.of_type("SQS::QueuePolicy")
        if queue in [text(each) for each in resource["Properties"]["Queues"]]
        and any(
            statement["Principal"] == {"Service": "s3.amazonaws.com"}
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]
        )
    ]
    assert {queue, policy} <= made_before(core, bucket), "S3 tries to send when the notification is made"
    assert bucket not in made_before(core, policy), "a policy that names the bucket would be a circle"


def test_the_endpoint_exists_before_its_instances_are_scaled(gpu: Template) -> None:
    target = gpu.name_of("ApplicationAutoScaling::ScalableTarget")
    assert gpu.name_of("SageMaker::Endpoint") in made_before(gpu, target), "it is named in text, not by reference"
    for policy, _ in gpu.of_type("ApplicationAutoScaling::ScalingPolicy"):
        assert target in made_before(gpu, policy)


def test_the_container_may_pull_its_image_and_read_its_weights_before_the_model_is_made(gpu: Template) -> None:
    before = made_before(gpu, gpu.name_of("SageMaker::Model"))
    policies = [name for name, _ in gpu.of_type("IAM::Policy") if name.startswith(("Pull", "Weights"))]
    assert len(policies) == 2
    assert set(policies) <= before, "SageMaker reads both when it makes the model"


def test_the_model_and_its_configuration_exist_before_the_endpoint(gpu: Template) -> None:
    before = made_before(gpu, gpu.name_of("SageMaker::Endpoint"))
    assert {gpu.name_of("SageMaker::Model"), gpu.name_of("SageMaker::EndpointConfig")} <= before


def test_a_function_has_its_rights_before_it_is_made(stack: Template) -> None:
    functions = [
        (name, resource)
        for name, resource in stack.of_type("Lambda::Function")
        if str(resource["Properties"].get("Handler", "handlers.")).startswith("handlers.")
    ]
    for name, resource in functions:
        role = text(resource["Properties"]["Role"])
        policies = {
            policy
            for policy, each in stack.of_type("IAM::Policy")
            if role in [text(attached) for attached in each["Properties"]["Roles"]]
        }
        assert policies, name
        assert policies <= made_before(stack, name), f"{name} would be called before it may do anything"


def test_a_function_is_called_only_once_it_exists(stack: Template) -> None:
    functions = {name for name, _ in stack.of_type("Lambda::Function")}
    for kind in ("Lambda::EventSourceMapping", "Lambda::Permission", "Lambda::EventInvokeConfig"):
        for name, _ in stack.of_type(kind):
            assert made_before(stack, name) & functions, name


def test_the_websocket_stage_logs_only_after_the_account_may(core: Template) -> None:
    account = core.name_of("ApiGateway::Account")
    for stage, resource in core.of_type("ApiGatewayV2::Stage", "Socket"):
        assert "AccessLogSettings" in resource["Properties"]
        assert account in made_before(core, stage)


def test_the_page_is_deployed_after_the_files_that_it_names(studio: Template) -> None:
    deployments = [name for name, each in studio.resources.items() if each["Type"] == "Custom::CDKBucketDeployment"]
    (page,) = [name for name in deployments if name.startswith("Page")]
    assert set(deployments) - {page} <= made_before(studio, page)
    assert len(deployments) == 3


def test_no_resource_waits_for_itself(stack: Template) -> None:
    assert [name for name in stack.resources if name in made_before(stack, name)] == []


def test_the_order_of_references_and_of_depends_on_is_followed() -> None:
    template = Template(
        {
            "Resources": {
                "A": {"Type": "AWS::X::A", "Properties": {"B": {"Fn::Sub": "${B.Arn}/*"}}},
                "B": {"Type": "AWS::X::B", "DependsOn": "C"},
                "C": {"Type": "AWS::X::C", "DependsOn": ["D"], "Properties": {"E": [{"Fn::GetAtt": ["E", "Arn"]}]}},
                "D": {"Type": "AWS::X::D"},
                "E": {"Type": "AWS::X::E"},
                "F": {"Type": "AWS::X::F", "Properties": {"A": {"Ref": "A"}}},
            }
        }
    )
    assert made_before(template, "A") == {"B", "C", "D", "E"}
    assert made_before(template, "D") == set()
