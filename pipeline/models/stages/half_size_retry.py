"""Retry after running out of memory: with idle networks released, at half the size where there is a size."""

from collections.abc import Callable
from typing import TypeVar

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.results import HALF_SIZE_NOTE
from pipeline.core.failures import translate_errors
from pipeline.core.stages import StageContext

S = TypeVar("S")
T = TypeVar("T")


def retry_at_half_size(
    context: StageContext,
    stage: str,
    make: Callable[[S], T],
    size: S,
    half: Callable[[], S],
    note: str = HALF_SIZE_NOTE,
) -> T:
    """Return ``make(size)``, or ``make(half())`` and ``note`` if memory runs out.

    ``stage`` is the calling stage's name, for error messages. Raises ``DarkroomError`` (``out_of_memory``) if half the
    size is too large, too. Other errors of ``make`` are raised as by ``translate_errors``.
    """

    def halved() -> T:
        context.add_note(note)
        return make(half())

    return _retry(context, stage, lambda: make(size), halved)


def retry_after_release(context: StageContext, stage: str, make: Callable[[], T]) -> T:
    """Return ``make()``, once more if memory runs out, when the memory of idle networks was released.

    Raises as ``retry_at_half_size`` does.
    """
    return _retry(context, stage, make, make)


def _retry(context: StageContext, stage: str, first: Callable[[], T], second: Callable[[], T]) -> T:
    try:
        with translate_errors(stage, context.network_provider):
            return first()
    except DarkroomError as error:
        if error.detail.code is not ErrorCode.OUT_OF_MEMORY:
            raise
    # ``translate_errors`` has released the first attempt's memory by now.
    with translate_errors(stage, context.network_provider):
        return second()
