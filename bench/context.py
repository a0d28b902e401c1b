"""Context of a benchmark run: thoroughness, and a local stack that the measurements share."""

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.local.stack import LocalStack

# No work in the stages and no rate limits, to measure the event path alone; through the endpoint, as it always was.
CONTEXT = {"preview_on": "endpoint", "stages": "noop", "rate_limits": {"default": "1000000/60"}, "owner_daily_usd": 0}


@dataclass
class Context:
    """Context manager of one run. ``quick`` does the minimum that shows that a measurement works."""

    quick: bool = False
    _stack: LocalStack | None = None
    _environments: dict[str, dict[str, str]] = field(default_factory=dict)
    _opened: ExitStack = field(default_factory=ExitStack)

    @property
    def repeats(self) -> int:
        """Number of repetitions for measurements without a number of their own."""
        return 2 if self.quick else 7

    @property
    def stack(self) -> LocalStack:
        """Local stack whose stages do nothing; started on first use, and again after ``stop_stack``."""
        if self._stack is None:
            folder = self._opened.enter_context(tempfile.TemporaryDirectory())
            self._stack = self._opened.enter_context(LocalStack(Path(folder), context=CONTEXT))
            self._environments = self._stack.environments()
        return self._stack

    @property
    def environments(self) -> dict[str, dict[str, str]]:
        """Return the environment variables of each function of the stack, which need not be running."""
        if not self._environments:
            _ = self.stack
            self.stop_stack()
        return self._environments

    def stop_stack(self) -> None:
        """Stop the stack if it runs."""
        self._stack = None
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop_stack()
