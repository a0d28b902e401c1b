"""Errors of the client, each with a stable ``code``.

Codes of responses, uploads and jobs are those of ``darkroom.contract.errors.ErrorCode``. They are plain strings here,
so that a newer service may add codes.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from darkroom.contract.jobs import Job


class ClientError(Exception):
    """Base class of the client's errors. ``code`` is stable; ``message`` is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True)
class FieldProblem:
    """Error in one field of a request: ``field`` is a dotted path such as ``params.style``."""

    field: str
    message: str


class ProblemError(ClientError):
    """The service responded with problem details (RFC 9457), or the gateway with an error.

    ``retry_after`` is the number of seconds after which the call may succeed, if the service gives one.
    """

    def __init__(
        self,
        *,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        errors: tuple[FieldProblem, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        fields = "; ".join(f"{error.field}: {error.message}" for error in errors)
        super().__init__(code, " ".join(part for part in (detail or title, fields and f"({fields})") if part))
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors
        self.retry_after = retry_after


class UnreachableError(ClientError):
    """The service could not be reached, or stopped responding, after all retries."""

    def __init__(self, message: str) -> None:
        super().__init__("unreachable", message)


class UploadError(ClientError):
    """Storage or service rejected an upload: ``too_large``, ``empty_file``, ``upload_expired``, ``invalid_image``, …"""


class DownloadError(ClientError):
    """A result could not be fetched, or does not match the job's size or SHA-256; nothing was written."""


class JobError(ClientError):
    """A job ended without a result; ``job`` is its final state."""

    def __init__(self, job: "Job") -> None:
        error = job.error
        super().__init__(error.code if error else job.state, error.message if error else job.message or "No result.")
        self.job = job


class LocalStackError(ClientError):
    """The local stack is not running, or could not be started."""

    def __init__(self, message: str) -> None:
        super().__init__("local_stack", message)
