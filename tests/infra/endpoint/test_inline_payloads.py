"""Inputs in the call, and responses in the notifications, through plain boto3 clients."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.local.endpoint import notifications
from infra.local.endpoint.invocation import EndpointInvocation
from infra.names import NOTICES_WITH_RESPONSE
from tests.infra.endpoint.stack import Stack


def test_a_body_reaches_the_container_like_an_object(running: Stack) -> None:
    accepted = running.runtime.invoke_endpoint_async(
        EndpointName="pictures-gpu", Body=b'{"do": "answer"}', InferenceId="inline", ContentType="application/json"
    )
    message = running.notification("success")
    assert message is not None
    assert message["inferenceId"] == "inline"
    assert "inputLocation" not in message["requestParameters"]
    answer = running.read(accepted["OutputLocation"])
    assert answer["type"] == "application/json"
    assert "responseBody" not in message, "the endpoint's configuration does not ask for it"


def test_notifications_have_the_response_if_the_configuration_says_so(start: Callable[..., Stack]) -> None:
    stack = start(include_inference_response_in=list(NOTICES_WITH_RESPONSE))
    accepted = stack.invoke("answer")
    message = stack.notification("success")
    assert message is not None
    assert message["responseBody"]["encoding"] == "BASE64"
    assert json.loads(base64.b64decode(message["responseBody"]["content"])) == stack.read(accepted["OutputLocation"])
    stack.invoke("error")
    message = stack.notification("error")
    assert message is not None
    assert json.loads(message["responseBody"]["content"]) == {"code": "internal"}
    endpoint = stack.sagemaker.describe_endpoint(EndpointName="pictures-gpu")
    notices = endpoint["AsyncInferenceConfig"]["OutputConfig"]["NotificationConfig"]
    assert notices["IncludeInferenceResponseIn"] == list(NOTICES_WITH_RESPONSE)


@pytest.mark.parametrize(("size", "included"), [(128 * 1024, True), (128 * 1024 + 1, False)])
def test_a_response_of_more_than_128_kb_is_in_s3_alone(size: int, included: bool) -> None:
    invocation = EndpointInvocation("pictures-gpu", "large", body=b"{}")
    success = notifications.success(
        invocation, "us-east-1", location="s3://b/k", content_type="text/plain", included=b"x" * size
    )
    failure = notifications.failure(
        invocation, "us-east-1", reason="no", location="s3://b/k", content_type="text/plain", included=b"x" * size
    )
    assert [("responseBody" in json.loads(each)) for each in (success, failure)] == [included, included]
    assert json.loads(success)["responseParameters"]["outputLocation"] == "s3://b/k"


def test_a_call_has_either_a_body_or_a_location(running: Stack) -> None:
    calls: list[Any] = [{}, {"Body": b"{}", "InputLocation": "s3://b/k"}]
    for call in calls:
        with pytest.raises(running.runtime.exceptions.ValidationError, match="mutually exclusive"):
            running.runtime.invoke_endpoint_async(EndpointName="pictures-gpu", **call)
    with pytest.raises(running.runtime.exceptions.ValidationError, match="128000 bytes"):
        running.runtime.invoke_endpoint_async(EndpointName="pictures-gpu", Body=b"x" * 128_001)
