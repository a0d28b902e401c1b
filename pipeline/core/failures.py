"""Error translation: turns any exception of a stage into the ``DarkroomError`` that the job's caller sees."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.networks import NetworkProvider
from pipeline.core.out_of_memory import is_out_of_memory
from pipeline.core.stages import JobAbandoned

logger = logging.getLogger(__name__)


@contextmanager
def translate_errors(stage: str, models: NetworkProvider | None) -> Iterator[None]:
    """Context manager that logs an unexpected error and raises it as a ``DarkroomError``.

    ``JobAbandoned`` and ``DarkroomError`` propagate unchanged. After an out-of-memory error, idle networks are
    released, so that the next job has memory.
    """
    try:
        yield
    except JobAbandoned:
        raise
    except DarkroomError as error:
        _release_memory_if_exhausted(error, error, models)
        raise
    except Exception as error:
        logger.exception("stage %s failed", stage)
        translated = _to_darkroom_error(error, stage)
        _release_memory_if_exhausted(translated, error, models)
        raise translated from error


def _release_memory_if_exhausted(
    translated: DarkroomError, error: BaseException | None, models: NetworkProvider | None
) -> None:
    if translated.detail.code is not ErrorCode.OUT_OF_MEMORY or models is None:
        return
    while error is not None:
        # A traceback's frames keep the tensors that filled the memory alive.
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
    models.release_idle()


def _to_darkroom_error(error: Exception, stage: str) -> DarkroomError:
    if is_out_of_memory(error):
        return DarkroomError(
            ErrorCode.OUT_OF_MEMORY,
            f"The machine ran out of memory at {stage!r}. Try again, or with a smaller picture.",
            retryable=True,
        )
    # Networks raise it for outputs that are not finite, after a repetition in single precision.
    if isinstance(error, FloatingPointError):
        return DarkroomError(
            ErrorCode.NOT_FINITE,
            f"A network computed numbers that are not finite at {stage!r}, and there is no picture in them. Try "
            "another seed or another picture. It has been logged.",
            retryable=False,
        )
    return DarkroomError(
        ErrorCode.INTERNAL, f"Something unexpected went wrong at {stage!r}; it has been logged.", retryable=False
    )
