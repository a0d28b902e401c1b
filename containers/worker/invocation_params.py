"""Params of an invocation: those of its kind's model, with the defaults that the invocation leaves out."""

from pydantic import BaseModel, ValidationError

from cloud.invocation import Invocation
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.requests import params_model


def typed_params(invocation: Invocation) -> BaseModel:
    """Validate the invocation's params as its kind's model.

    Raises ``DarkroomError`` (``unknown_to_version``) for a kind, an engine, a param or a value that this version does
    not know. The service validated the request, so nothing else can be wrong: it is of a newer version.
    """
    for name, value in (("kind", invocation.kind), ("engine", invocation.engine)):
        if not value.known:
            raise _unknown(f"the {name} {value}")
    try:
        return params_model(invocation.kind).model_validate(invocation.params)
    except ValidationError as error:
        fields = dict.fromkeys(".".join(("params", *map(str, each["loc"]))) for each in error.errors(include_url=False))
        raise _unknown(", ".join(fields)) from error


def _unknown(what: str) -> DarkroomError:
    return DarkroomError(
        ErrorCode.UNKNOWN_TO_VERSION,
        f"The machine that was asked does not know {what} yet. Submit the job again later, or without it.",
        retryable=True,
    )
