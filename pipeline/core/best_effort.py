"""Error handling for optional drawing, such as overlays: a failure is logged and the job goes on."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from darkroom.contract.errors import DarkroomError
from darkroom.contract.results import OVERLAY_FAILED_NOTE
from pipeline.core.stages import JobAbandoned, StageContext

logger = logging.getLogger(__name__)


@contextmanager
def best_effort(name: str, context: StageContext | None = None) -> Iterator[None]:
    """Context manager that logs an unexpected error of its block with the traceback, and suppresses it.

    Given ``context``, it adds ``OVERLAY_FAILED_NOTE`` to the result, which also keeps the result out of the result
    cache.
    ``JobAbandoned`` and ``DarkroomError`` propagate, as they are meant to end the job.
    """
    try:
        yield
    except (JobAbandoned, DarkroomError):
        raise
    except Exception:
        logger.exception("%s left out", name)
        if context is not None:
            context.add_note(OVERLAY_FAILED_NOTE)
