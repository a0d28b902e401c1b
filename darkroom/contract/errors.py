"""Errors of the public contract: a stable code, a message that a person can act on, and a retryable flag."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from darkroom.contract.open_enum import Open, OpenEnum

MAX_MESSAGE_CHARACTERS = 1000


class ErrorCode(OpenEnum):
    """Every way a request or a job can go wrong. Codes are part of the public contract: never renamed."""

    # The request.
    INVALID_REQUEST = "invalid_request"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    RATE_LIMITED = "rate_limited"
    BUDGET_EXCEEDED = "budget_exceeded"
    # The upload.
    EMPTY_FILE = "empty_file"
    UNSUPPORTED_MEDIA = "unsupported_media"
    INVALID_IMAGE = "invalid_image"
    INVALID_AUDIO = "invalid_audio"
    TOO_LARGE = "too_large"
    CHECKSUM_MISMATCH = "checksum_mismatch"
    UPLOAD_EXPIRED = "upload_expired"
    # The picture.
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    INVALID_MASK = "invalid_mask"
    # The words, the voice or the video last longer than is allowed.
    TOO_LONG = "too_long"
    REJECTED_CONTENT = "rejected_content"
    # The machine.
    ENGINE_UNAVAILABLE = "engine_unavailable"
    ENDPOINT_UNAVAILABLE = "endpoint_unavailable"
    CONTAINER_FAILED = "container_failed"
    OUT_OF_MEMORY = "out_of_memory"
    NOT_FINITE = "not_finite"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    INTERNAL = "internal"
    # Versions that do not go together.
    UNKNOWN_TO_VERSION = "unknown_to_version"
    CLIENT_TOO_OLD = "client_too_old"


class ErrorDetail(BaseModel):
    """Why a job failed, as the caller sees it.

    >>> ErrorDetail(code=ErrorCode.EMPTY_FILE, message="The photo has no bytes.").retryable
    False
    """

    model_config = ConfigDict(frozen=True)

    code: Open[ErrorCode]
    # Only declared: a later version may write longer messages.
    message: str = Field(
        description="Cause and remedy, for people.", json_schema_extra={"maxLength": MAX_MESSAGE_CHARACTERS}
    )
    retryable: bool = Field(False, description="True if submitting the same job again may succeed.")


class DarkroomError(Exception):
    """Exception that fails a request or a job with a stable error code. The message is cut off at 1,000 characters.

    It survives ``pickle``, as do its subclasses.

    >>> DarkroomError(ErrorCode.TOO_LARGE, "The photo is 31 MB; 20 MB is the limit.").detail.code.value
    'too_large'
    """

    def __init__(self, code: ErrorCode, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.detail = ErrorDetail(code=code, message=message[:MAX_MESSAGE_CHARACTERS], retryable=retryable)

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are pickled as a call with args, which are the message alone.
        return type(self).__new__, (type(self), *self.args), self.__dict__
