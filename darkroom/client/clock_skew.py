"""Clock skew: the difference between this machine's clock and a server's, which makes it refuse what is in date."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx2

CODE = "clock_skew"
# Less is nobody's reason to refuse: S3 allows 15 minutes, and tokens and forms are valid for longer.
TOLERANCE = timedelta(minutes=5)


def server_time(response: httpx2.Response) -> datetime | None:
    """Return the time at the server, from the ``Date`` header; None if it is missing or invalid."""
    try:
        found = parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def clock_hint(server: datetime | None) -> str:
    """Return a sentence that says by how much this machine's clock is wrong, after a space; nothing if it is right.

    >>> clock_hint(datetime.now(UTC) + timedelta(minutes=20))
    " This machine's clock is 20 minutes behind the server's: set it, then try again."
    """
    if server is None:
        return ""
    difference = datetime.fromtimestamp(time.time(), UTC) - server
    if abs(difference) < TOLERANCE:
        return ""
    side = "ahead of" if difference > timedelta(0) else "behind"
    return f" This machine's clock is {describe(difference)} {side} the server's: set it, then try again."


def describe(difference: timedelta) -> str:
    """Return the length of a difference in words, in minutes, hours or days.

    >>> describe(timedelta(minutes=-17)), describe(timedelta(hours=5)), describe(timedelta(days=400))
    ('17 minutes', '5 hours', '400 days')
    """
    minutes = round(abs(difference) / timedelta(minutes=1))
    for unit, size in (("day", 1440), ("hour", 60)):
        if minutes >= 2 * size:
            return f"{round(minutes / size)} {unit}s"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
