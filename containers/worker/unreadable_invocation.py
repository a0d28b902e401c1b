"""Unreadable invocation: the answer to one that another version wrote in a form that this one does not know."""

import logging

from pydantic import BaseModel, Field, ValidationError

from cloud.invocation import Failed
from containers.worker.json_logging import job_context
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.jobs import JobId

logger = logging.getLogger(__name__)


class _AttemptOfInvocation(BaseModel):
    """The part of an invocation that names its attempt."""

    job_id: JobId
    attempt: int = Field(ge=1)


def field_errors(error: ValidationError) -> list[dict[str, str]]:
    """Return field and message of each error, without values."""
    return [
        {"field": ".".join(str(part) for part in item["loc"]), "message": item["msg"]}
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def answer_unreadable(body: bytes, error: ValidationError) -> Failed | None:
    """Return the final outcome of the attempt that an unreadable invocation names; None if it names none."""
    errors = field_errors(error)
    try:
        named = _AttemptOfInvocation.model_validate_json(body)
    except ValidationError:
        logger.warning("what came is no invocation: %s", errors)
        return None
    with job_context(named.job_id, named.attempt):
        logger.warning("the invocation could not be read: %s", errors)
    what = "; ".join(f"{each['field']}: {each['message']}" for each in errors)
    reason = DarkroomError(
        ErrorCode.UNKNOWN_TO_VERSION,
        "The machine could not read its instructions, as it and the service are of versions that do not go together. "
        f"Tell the operator: {what}",
    )
    return Failed(job_id=named.job_id, attempt=named.attempt, error=reason.detail)
