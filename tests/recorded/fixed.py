"""Fixed clock and fixed ids for the product's modules, so that recordings are reproducible."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from itertools import count
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

import botocore.auth
import botocore.signers
import pytest

from tests.recorded import today

START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


class Clock:
    """The wall clock: it stands still until told to go on."""

    def __init__(self) -> None:
        self.now = START.timestamp()

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float = 1.0) -> None:
        """Go on."""
        self.now = round(self.now + seconds, 6)

    def moment(self) -> datetime:
        """The time of day in UTC."""
        return datetime.fromtimestamp(self.now, UTC)


def fix(patch: pytest.MonkeyPatch) -> Clock:
    """Give every module of the product that is imported now one clock and one series of ids; returns the clock."""
    clock = Clock()
    numbers = count(1)

    def make_id() -> UUID:
        return uuid5(NAMESPACE_OID, f"darkroom recorded {next(numbers)}")

    patch.setattr(time, "time", clock)
    fixed = _datetime(clock)
    for module in _modules():
        for name, value in list(vars(module).items()):
            if value is datetime:
                patch.setattr(module, name, fixed)
            elif value is uuid4:
                patch.setattr(module, name, make_id)
    # Signatures of presigned requests, and when they expire.
    for signing in (botocore.auth, botocore.signers):
        patch.setattr(signing, "get_current_datetime", lambda remove_tzinfo=True: _naive(clock, remove_tzinfo))
    return clock


def _modules() -> list[object]:
    return [module for name, module in list(sys.modules.items()) if module and name.partition(".")[0] in today.PACKAGES]


def _naive(clock: Clock, remove_tzinfo: bool) -> datetime:
    return clock.moment().replace(tzinfo=None) if remove_tzinfo else clock.moment()


def _datetime(clock: Callable[[], float]) -> type[datetime]:
    class Fixed(datetime):
        """``datetime`` whose now is the fixed clock's."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(clock(), tz)

    return Fixed
