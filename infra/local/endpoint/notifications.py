"""SageMaker's SNS notifications of finished asynchronous invocations.

The format is that of "Check prediction results" in SageMaker's developer guide. Its example of a failure does not show
where the container's response is; here it is in ``responseParameters.outputLocation``.
"""

import json
from datetime import UTC, datetime
from typing import Any

from infra.local.endpoint.invocation import EndpointInvocation


def success(invocation: EndpointInvocation, region: str, *, location: str, content_type: str) -> str:
    """Return the message for the success topic; the container's response is at ``location``."""
    return _message(
        invocation,
        region,
        invocationStatus="Completed",
        responseParameters={"contentType": content_type, "outputLocation": location},
    )


def failure(
    invocation: EndpointInvocation, region: str, *, reason: str, location: str | None, content_type: str
) -> str:
    """Return the message for the error topic; ``location`` is that of the container's response, if there is one."""
    response_parameters = (
        {"responseParameters": {"contentType": content_type, "outputLocation": location}} if location else {}
    )
    return _message(invocation, region, invocationStatus="Failed", failureReason=reason, **response_parameters)


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
