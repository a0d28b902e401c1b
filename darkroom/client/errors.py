"""Exceptions of the SDK, each with a stable ``code``. Every one survives ``pickle``, as a process pool needs.

Codes of responses, uploads and jobs are those of ``darkroom.contract.errors.ErrorCode``. They are plain strings here,
so that a newer service may add codes.

- ``ClientError``
    - ``ProblemError``: the service refused a request
    - ``UnreachableError``: no response after all retries
    - ``UploadError``: storage or service rejected a file
    - ``DownloadError``: a result is not to be had, or is damaged
    - ``JobError``: a job ended without a result
    - ``LocalStackError``: the local stack does not run, or did not start
    - ``EnvironmentVariableError``: a variable of the environment cannot be used
- ``ScenesError``, a ``ValueError``: a file of scenes is not valid
- ``ConnectionLost``, ``TokenExpired``, ``LinkExpired``: within the SDK, which reconnects and renews links by itself

>>> try:
...     raise ProblemError(status=429, code="rate_limited", title="Too many requests", retry_after=3.0)
... except ClientError as error:
...     print(error)
rate_limited: Too many requests
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from darkroom.contract.jobs import Job


class ClientError(Exception):
    """Base class of the SDK's exceptions. ``code`` is stable; ``message`` is for people.

    Raised as itself by commands only.

    >>> from pickle import dumps, loads
    >>> loads(dumps(UploadError("too_large", "The file is too large."))).code
    'too_large'
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are pickled as a call with args, which are the text here and not the parameters of the class.
        return type(self).__new__, (type(self), *self.args), self.__dict__


@dataclass(frozen=True)
class FieldProblem:
    """Error in one field of a request: ``field`` is a dotted path such as ``params.style``."""

    field: str
    message: str


class ProblemError(ClientError):
    """Raised when the service responds with problem details (RFC 9457), or its gateway with an error.

    ``status`` is the HTTP status. ``errors`` has the invalid fields of a request. ``retry_after`` is the number of
    seconds after which the call may succeed, if the service gives one. Transient errors are retried first.
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
    """Raised when the service or its storage cannot be reached, or stops responding, after all retries.

    The code is ``unreachable``. A request that creates something may have arrived: repeat it with the same idempotency
    key.
    """

    def __init__(self, message: str) -> None:
        super().__init__("unreachable", message)


class UploadError(ClientError):
    """Raised when storage or service rejects an upload: ``too_large``, ``empty_file``, ``upload_expired``, …"""


class DownloadError(ClientError):
    """Raised when a result cannot be fetched, or differs from the job's size or SHA-256. Nothing was written then."""


class JobError(ClientError):
    """Raised when a job ended without a result; ``job`` is its final state.

    The code is that of the job's error, such as ``no_face``, else its state: ``cancelled`` or ``expired``.
    """

    def __init__(self, job: "Job") -> None:
        error = job.error
        super().__init__(error.code if error else job.state, error.message if error else job.message or "No result.")
        self.job = job


class LocalStackError(ClientError):
    """Raised when the local stack is not running, or could not be started. The code is ``local_stack``."""

    def __init__(self, message: str) -> None:
        super().__init__("local_stack", message)


class EnvironmentVariableError(ClientError):
    """Raised when a request needs a variable of the environment that cannot be used, such as ``ALL_PROXY``.

    The code is ``invalid_environment``. ``variable`` is its name; the message does not hold its value, which may be
    secret.
    """

    def __init__(self, variable: str, problem: str) -> None:
        super().__init__("invalid_environment", f"{variable} {problem}")
        self.variable = variable


class ScenesError(ValueError):
    """Raised for a file without valid scenes; the message names the scene and the field."""


class ConnectionLost(Exception):
    """Raised when the WebSocket is closed or cannot be opened. Watching a job handles it; callers never see it."""


class TokenExpired(ConnectionLost):
    """Raised when the service closes a WebSocket connection because its token has expired."""


class LinkExpired(Exception):
    """Raised when a presigned URL is rejected. Downloads read the job again for a fresh one.

    Its text is a hint about this machine's clock, if that is wrong.
    """


class RetryableStatus(Exception):
    """Raised when the storage is busy. Downloads try again; callers never see it."""
