"""SageMaker's SNS notifications of finished asynchronous invocations.

The format is that of "Check prediction results" in SageMaker's developer guide. Its example of a failure does not show
where the container's response is; here it is in ``responseParameters.outputLocation``.

The guide does not show an included response either. Here it is as public code reads it: ``responseBody.content`` is
Base64 after a success, and text after a failure.
"""

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

from infra.local.endpoint.invocation import EndpointInvocation

SUCCESS_TOPIC, ERROR_TOPIC = "SUCCESS_NOTIFICATION_TOPIC", "ERROR_NOTIFICATION_TOPIC"
MAX_RESPONSE_BYTES = 128 * 1024  # a larger response is not included


def success(
    invocation: EndpointInvocation, region: str, *, location: str, content_type: str, included: bytes | None = None
) -> str:
    """Return the message for the success topic; the container's response is at ``location``, and ``included``."""
    body = {}
    if (response := _includable(included)) is not None:
        body = {"responseBody": {"content": b64encode(response).decode(), "encoding": "BASE64"}}
    return _message(
        invocation,
        region,
        invocationStatus="Completed",
        responseParameters={"contentType": content_type, "outputLocation": location},
        **body,
    )


def failure(
    invocation: EndpointInvocation,
    region: str,
    *,
    reason: str,
    location: str | None,
    content_type: str,
    included: bytes | None = None,
) -> str:
    """Return the message for the error topic; ``location`` is that of the container's response, if there is one."""
    body = {}
    if (response := _includable(included)) is not None:
        body = {"responseBody": {"content": response.decode("utf-8", "replace"), "message": reason}}
    response_parameters = (
        {"responseParameters": {"contentType": content_type, "outputLocation": location}} if location else {}
    )
    return _message(invocation, region, invocationStatus="Failed", failureReason=reason, **response_parameters, **body)


def _includable(response: bytes | None) -> bytes | None:
    """Return the response, or None if it is too large to be included."""
    return response if response is not None and len(response) <= MAX_RESPONSE_BYTES else None


def _message(invocation: EndpointInvocation, region: str, **fields: Any) -> str:
    parameters = {
        "accept": invocation.accept,
        "contentType": invocation.content_type,
        "customAttributes": invocation.custom_attributes,
        "endpointName": invocation.endpoint_name,
        "inputLocation": invocation.input_location,
    }
    return json.dumps(
        {
            "awsRegion": region,
            "eventTime": _time(datetime.now(UTC)),
            "receivedTime": _time(invocation.received),
            **fields,
            "requestParameters": {name: value for name, value in parameters.items() if value is not None},
            "inferenceId": invocation.inference_id,
            "eventVersion": "1.0",
            "eventSource": "aws:sagemaker",
            "eventName": "InferenceResult",
        }
    )


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
