"""Malicious pickles that no loader may execute."""

from pathlib import Path
from typing import Any


class MaliciousPickle:
    """Pickle that creates a file when it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.file,)
