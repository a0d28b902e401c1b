"""Error handling of decorations: drawing that helps people, and that no job may fail for."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from darkroom.contract.errors import DarkroomError
from darkroom.contract.results import OVERLAY_FAILED_NOTE
from pipeline.core.stages import JobAbandoned, StageContext

logger = logging.getLogger(__name__)


@contextmanager
def best_effort(name: str, work: StageContext | None = None) -> Iterator[None]:
    """Context manager that logs an unexpected error of its block with the traceback, and suppresses it.

    Given ``work``, the result has the note ``OVERLAY_FAILED_NOTE``, which also keeps it out of the result cache.
    ``JobAbandoned`` and ``DarkroomError`` pass, as those are meant to end the job.
    """
    try:
        yield
    except (JobAbandoned, DarkroomError):
        raise
    except Exception:
        logger.exception("%s left out", name)
        if work is not None:
            work.add_note(OVERLAY_FAILED_NOTE)
