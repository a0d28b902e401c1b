"""What is done when the memory runs out: once more, at half the size."""

from collections.abc import Callable
from typing import TypeVar

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.results import HALF_SIZE_NOTE
from pipeline.core.failures import translate_errors
from pipeline.core.stages import StageContext

S = TypeVar("S")
T = TypeVar("T")


def retry_at_half_size(work: StageContext, stage: str, make: Callable[[S], T], size: S, half: Callable[[], S]) -> T:
    """What ``make`` makes of ``size``, or of ``half()`` if the memory runs out, which the result then says.

    ``stage`` is the name of the stage that asks. Raises ``DarkroomError`` (``out_of_memory``) when half the size was
    too large as well, and whatever else ``make`` raises as ``translating`` has it.
    """
    try:
        # Whatever the attempt took is given back before anything else is tried.
        with translate_errors(stage, work.network_provider):
            return make(size)
    except DarkroomError as error:
        if error.detail.code is not ErrorCode.OUT_OF_MEMORY:
            raise
    work.add_note(HALF_SIZE_NOTE)
    with translate_errors(stage, work.network_provider):
        return make(half())
