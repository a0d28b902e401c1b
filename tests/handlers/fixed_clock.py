"""A fixed clock: absolute times of the functions can be asserted exactly."""

import pytest

NOW = 2_000_000_000.0  # 2033-05-18 03:33:20 UTC
"""Epoch seconds at which the clock stands."""


def stop_clock(monkeypatch: pytest.MonkeyPatch, at: float = NOW) -> None:
    """Let ``time.time`` return ``at``, in epoch seconds, until the test ends."""
    monkeypatch.setattr("time.time", lambda: at)
