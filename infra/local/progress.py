"""What a person reads while a stack starts."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Say = Callable[[str], None]


class Progress:
    """Says each step with the seconds it took."""

    def __init__(self, say: Say) -> None:
        self.say = say

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step; it is said when it is done, so that the time is there too."""
        start = time.monotonic()
        yield
        self.say(f"{name:<28} {time.monotonic() - start:5.1f} s")


def silent(_text: str) -> None:
    """Say nothing."""
