"""Function failure: turns Lambda's record of a failed invocation of the cpu lane into the notice of its attempt.

Lambda sends the record to the topic of failures: after a timeout, for want of memory, after an error of the function or
of its start, and for an event that waited for longer than its maximum age.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from cloud.invocation import WARM
from cloud.outcome_notice import FAILED, FUNCTION_SOURCE
from handlers.endpoint.outcome_processor import AsyncInferenceNotification


def _object(value: object) -> dict[str, Any]:
    """Return an object, also if it comes as JSON text; anything else is an empty one."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


_Values = Annotated[dict[str, Any], BeforeValidator(_object)]


class NoAttemptFailed(Exception):
    """Raised for the record of an event that is no job's attempt: ``event`` is a draft or a warm-up."""

    def __init__(self, event: str, reason: str, job_id: object = None) -> None:
        super().__init__(reason)
        self.event = event
        self.job_id = job_id


class FunctionFailure(BaseModel):
    """Lambda's invocation record of a failure.

    Only the event is required, which names the attempt. An event that was never tried has no response.
    """

    event: _Values = Field(alias="requestPayload")
    request: _Values = Field({}, alias="requestContext")
    context: _Values = Field({}, alias="responseContext")
    response: _Values = Field({}, alias="responsePayload")

    @property
    def reason(self) -> str:
        """The failure in words: condition, kind of error and message, as far as the record has them."""
        words = (
            self.request.get("condition"),
            self.context.get("functionError"),
            self.response.get("errorType"),
            self.response.get("errorMessage"),
        )
        return ": ".join(str(word) for word in words if word)

    def to_notice(self) -> AsyncInferenceNotification:
        """Return the notice of a failed attempt.

        Raises ``NoAttemptFailed``, and ``ValueError`` if the event names none.
        """
        if "draft" in self.event:
            raise NoAttemptFailed("draft", self.reason, _object(self.event["draft"]).get("job_id"))
        if self.event.get("inference_id") == WARM:
            raise NoAttemptFailed("warm-up", self.reason)
        return AsyncInferenceNotification.model_validate(
            {
                "inferenceId": self.event.get("inference_id"),
                "invocationStatus": FAILED,
                "failureReason": self.reason,
                "eventSource": FUNCTION_SOURCE,
            }
        )


def read_notice(message: str) -> AsyncInferenceNotification:
    """Return the notice of an SNS message: that of either lane, or the record of a failed function.

    Raises ``NoAttemptFailed`` for the record of a draft or a warm-up, and ``ValueError`` for anything else.
    """
    values = json.loads(message)
    if isinstance(values, dict) and "requestPayload" in values:
        return FunctionFailure.model_validate(values).to_notice()
    return AsyncInferenceNotification.model_validate(values)
