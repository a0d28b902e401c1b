"""JSON logging: one object per line, with the job, attempt and stage that it belongs to."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_job: ContextVar[dict[str, object] | None] = ContextVar("job", default=None)
# What every record has; anything else was given as ``extra``. uvicorn gives its messages a second time, in colour.
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"}


@contextmanager
def job_context(job_id: str, attempt: int) -> Iterator[None]:
    """Context manager that adds the job and its attempt to every log line of this thread."""
    token = _job.set({"job_id": job_id, "attempt": attempt})
    try:
        yield
    finally:
        _job.reset(token)


def set_log_stage(stage: str) -> None:
    """Add ``stage`` to the job's log lines from now on."""
    fields = _job.get()
    if fields is not None:
        fields["stage"] = stage


class JsonFormatter(logging.Formatter):
    """Log formatter: ``{"time", "level", "logger", "message", "job_id"?, "attempt"?, "stage"?, "exception"?}``.

    The fields of ``extra`` are added; they replace the job's.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Format the record as one line of JSON."""
        fields: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **(_job.get() or {}),
            **{name: value for name, value in vars(record).items() if name not in _STANDARD},
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)


def configure(level: str) -> None:
    """Send all logs as JSON lines to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("botocore", "boto3", "urllib3", "s3transfer"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
