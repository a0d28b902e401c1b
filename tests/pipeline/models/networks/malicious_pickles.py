"""Malicious pickles that no loader may execute."""

from pathlib import Path
from typing import Any


class MaliciousPickle:
    """What unpickles by touching a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.file,)
