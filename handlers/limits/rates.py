"""Configured rates: requests per owner and subject in a window of seconds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Self

from darkroom.contract.kinds import KINDS, Kind

DEFAULT = "default"
PROMPTS = "prompts"
ASSETS = "assets"
MAX_COUNT = 1_000_000
MAX_SECONDS = 86_400


@dataclass(frozen=True)
class Rate:
    """At most ``count`` requests in ``seconds``."""

    count: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a rate such as ``10/60``. Raises ``ValueError`` with the expected form.

        >>> Rate.parse("10/60")
        Rate(count=10, seconds=60)
        """
        match = re.fullmatch(r"([0-9]{1,7})/([0-9]{1,5})", text.strip())
        rate = cls(int(match[1]), int(match[2])) if match else None
        if rate is None or not 1 <= rate.count <= MAX_COUNT or not 1 <= rate.seconds <= MAX_SECONDS:
            raise ValueError(
                f"{text!r} is no rate: write 10/60 for ten in 60 seconds, "
                f"at most {MAX_COUNT} in a window of 1 to {MAX_SECONDS} seconds"
            )
        return rate


# Subjects not listed here have the rate of DEFAULT.
DEFAULT_RATES: Mapping[str, Rate] = {
    **{kind: Rate.parse(definition.rate) for kind, definition in KINDS.items() if definition.rate is not None},
    PROMPTS: Rate(20, 60),
    ASSETS: Rate(30, 60),
    DEFAULT: Rate(30, 60),
}
SUBJECTS = frozenset(str(subject) for subject in (*Kind, *DEFAULT_RATES))


def configured_rates(overrides: Mapping[str, str]) -> dict[str, Rate]:
    """Return the rate of each subject, ``overrides`` in place of the defaults.

    Raises ``ValueError`` for an unknown subject or an invalid rate.

    >>> configured_rates({"upscale": "1/10"})["upscale"]
    Rate(count=1, seconds=10)
    """
    found = dict(DEFAULT_RATES)
    for subject, text in overrides.items():
        if subject not in SUBJECTS:
            close = get_close_matches(subject, SUBJECTS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"choose among {', '.join(sorted(SUBJECTS))}."
            raise ValueError(f"there is no rate limit for {subject!r}; {hint}")
        try:
            found[subject] = Rate.parse(text)
        except ValueError as error:
            raise ValueError(f"{subject}: {error}") from error
    return found


def validate_overrides(overrides: dict[str, str]) -> dict[str, str]:
    """Return the overrides unchanged. Raises ``ValueError`` as ``configured_rates`` does."""
    configured_rates(overrides)
    return overrides
