"""Progress output while a stack starts."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Say = Callable[[str], None]


class Progress:
    """Prints each step with its duration."""

    def __init__(self, say: Say) -> None:
        self.say = say

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Run one step; print it when it is done, with its duration."""
        start = time.monotonic()
        yield
        self.say(f"{name:<28} {time.monotonic() - start:5.1f} s")


def silent(_text: str) -> None:
    """Print nothing."""
