"""Seconds counted in buckets that grow by a tenth: any quantile is told from them within a tenth of itself."""

import math
from collections.abc import Mapping

# Everything up to this is one bucket; each further one reaches GROWTH times as far as the one before.
FIRST_SECONDS = 0.001
GROWTH = 1.1
LAST = 240  # more than a hundred days


def bucket(seconds: float) -> int:
    """The number of the bucket that a duration belongs to.

    >>> bucket(0.0), bucket(0.001), bucket(0.0011), bucket(1.0)
    (0, 0, 1, 73)
    """
    if seconds <= FIRST_SECONDS:
        return 0
    # A duration at the edge of a bucket may come out a hair above it.
    return min(LAST, math.ceil(math.log(seconds / FIRST_SECONDS, GROWTH) - 1e-9))


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """The duration that ``share`` (0 to 1) of those counted do not exceed; None when there are none.

    ``counts`` is bucket → how many. By nearest rank, and within its bucket as if those in it were spread evenly on the
    logarithmic scale.

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
