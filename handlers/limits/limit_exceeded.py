"""Error for a request over a rate limit or budget, with the time to wait."""

import math
from collections.abc import Mapping

from darkroom.contract.errors import DarkroomError, ErrorCode


class LimitExceeded(DarkroomError):
    """Raised over a limit. ``headers`` go into the response; they include ``Retry-After`` in whole seconds."""

    def __init__(self, code: ErrorCode, message: str, *, seconds: float, headers: Mapping[str, str]) -> None:
        super().__init__(code, message, retryable=True)
        self.headers = {**headers, "Retry-After": str(max(1, math.ceil(seconds)))}
