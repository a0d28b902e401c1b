"""What can go wrong between an app and the service, each with a stable ``code``.

Codes of answers, uploads and jobs are those of ``darkroom.contract.errors.ErrorCode``; they are plain strings here,
so that a newer service may add one.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from darkroom.contract.jobs import Job


class ClientError(Exception):
    """Base of everything the client raises on purpose. ``code`` is stable; ``message`` is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field of a request: ``field`` is a dotted path such as ``params.style``."""

    field: str
    message: str


class ProblemError(ClientError):
    """The service answered with problem details (RFC 9457), or with an error of the gateway before it.

    ``retry_after`` holds the seconds after which the same call may succeed, where the service says so.
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
    """The service could not be reached, or stopped answering, also when tried again."""

    def __init__(self, message: str) -> None:
        super().__init__("unreachable", message)


class UploadError(ClientError):
    """Storage or service refused an upload: ``too_large``, ``empty_file``, ``upload_expired``, ``invalid_image``, …"""


class DownloadError(ClientError):
    """A result could not be fetched, or what came is not what the job says: nothing was written."""


class JobError(ClientError):
    """A job ended without a result; ``job`` is its final form."""

    def __init__(self, job: "Job") -> None:
        error = job.error
        super().__init__(error.code if error else job.state, error.message if error else job.message or "No result.")
        self.job = job


class LocalStackError(ClientError):
    """The local stack is not there, or could not be started."""

    def __init__(self, message: str) -> None:
        super().__init__("local_stack", message)
