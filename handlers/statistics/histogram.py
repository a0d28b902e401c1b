"""Logarithmic histogram of durations: buckets grow by a tenth, so quantiles are within 10 %."""

import math
from collections.abc import Mapping

# The first bucket ends here; each further one ends at GROWTH times the end of the one before.
FIRST_SECONDS = 0.001
GROWTH = 1.1
LAST = 240  # more than a hundred days


def bucket(seconds: float) -> int:
    """Return the bucket number of a duration.

    >>> bucket(0.0), bucket(0.001), bucket(0.0011), bucket(1.0)
    (0, 0, 1, 73)
    """
    if seconds <= FIRST_SECONDS:
        return 0
    # Rounding may put a duration at the edge of a bucket slightly above it.
    return min(LAST, math.ceil(math.log(seconds / FIRST_SECONDS, GROWTH) - 1e-9))


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the ``share`` quantile (0 to 1) in seconds; None for empty counts.

    ``counts`` is bucket → count. Nearest rank, interpolated within the bucket on the logarithmic scale.

    >>> round(quantile({bucket(2.0): 10}, 0.5), 2)
    1.94
    """
    total = sum(counts.values())
    rank = max(1, math.ceil(share * total - 1e-9))
    below = 0
    for number in sorted(counts):
        if rank <= below + counts[number]:
            within = (rank - below - 0.5) / counts[number]
            return FIRST_SECONDS * float(GROWTH ** (number - 1 + within))
        below += counts[number]
    return None
