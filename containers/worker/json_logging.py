"""JSON logging: one object per line, as the functions write it, with the job, attempt and stage that it belongs to."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from cloud.log_format import LogFormatter

SERVICE = "container"
FORMATTER = LogFormatter(service=SERVICE)


@contextmanager
def job_context(job_id: str, attempt: int) -> Iterator[None]:
    """Context manager that adds the job and its attempt to every log line of this thread."""
    before = FORMATTER.thread_safe_get_current_keys()
    FORMATTER.thread_safe_clear_keys()
    FORMATTER.thread_safe_append_keys(job_id=job_id, attempt=attempt)
    try:
        yield
    finally:
        FORMATTER.thread_safe_clear_keys()
        FORMATTER.thread_safe_append_keys(**before)


def set_log_stage(stage: str) -> None:
    """Add ``stage`` to the job's log lines from now on. Without a job, it has no effect."""
    if "job_id" in FORMATTER.thread_safe_get_current_keys():
        FORMATTER.thread_safe_append_keys(stage=stage)


def configure(level: str, *, service: str = SERVICE) -> None:
    """Send all logs as JSON lines to standard error, named by the service that writes them."""
    FORMATTER.append_keys(service=service)
    handler = logging.StreamHandler()
    handler.setFormatter(FORMATTER)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("botocore", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
