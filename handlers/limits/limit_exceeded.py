"""A request that is refused for now, and when it is worth sending again."""

import math
from collections.abc import Mapping

from darkroom.contract.errors import DarkroomError, ErrorCode


class LimitExceeded(DarkroomError):
    """What its answer says besides the problem: ``headers``, with ``RetryPolicy-After`` in whole seconds among them."""

    def __init__(self, code: ErrorCode, message: str, *, seconds: float, headers: Mapping[str, str]) -> None:
        super().__init__(code, message, retryable=True)
        self.headers = {**headers, "Retry-After": str(max(1, math.ceil(seconds)))}
