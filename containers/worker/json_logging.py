"""Logs as one JSON object a line, each with the job, attempt and stage it belongs to."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_job: ContextVar[dict[str, object] | None] = ContextVar("job", default=None)


@contextmanager
def job_context(job_id: str, attempt: int) -> Iterator[None]:
    """While it lasts, every line of this thread names the job and its attempt."""
    token = _job.set({"job_id": job_id, "attempt": attempt})
    try:
        yield
    finally:
        _job.reset(token)


def set_log_stage(stage: str) -> None:
    """From here on the lines of this job name ``stage``."""
    fields = _job.get()
    if fields is not None:
        fields["stage"] = stage


class JsonFormatter(logging.Formatter):
    """``{"time", "level", "logger", "message", "job_id"?, "attempt"?, "stage"?, "exception"?}``."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        fields: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **(_job.get() or {}),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)


def configure(level: str) -> None:
    """Send every logger's lines to standard error in this form."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("botocore", "boto3", "urllib3", "s3transfer"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
