"""Client of the tests: ``Client``, or ``AsyncClient`` whose every call is run to its end in an event loop."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, cast

from darkroom import AsyncClient, Client


class MakeClient(Protocol):
    """Makes a client of either kind, which has the methods of ``Client``."""

    def __call__(self, endpoint: str, token: Any = None, **options: Any) -> AbstractContextManager[Client]:
        """Take what the constructors of both take."""


class Driven:
    """An object with coroutines and asynchronous generators as methods, in the form of functions and generators."""

    def __init__(self, target: object, runner: asyncio.Runner) -> None:
        self._target = target
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._target, name)
        if not callable(attribute):
            return Driven(attribute, self._runner) if name == "assets" else attribute

        def call(*arguments: Any, **options: Any) -> Any:
            found = attribute(*arguments, **options)
            if inspect.isasyncgen(found):
                return self._iterate(found)
            return self._runner.run(found) if inspect.iscoroutine(found) else found

        return call

    def _iterate(self, items: AsyncGenerator[Any, None]) -> Iterator[Any]:
        async def following() -> Any:
            return await anext(items, None)

        try:
            while (item := self._runner.run(following())) is not None:
                yield item
        finally:
            self._runner.run(items.aclose())


@contextmanager
def blocking_client(endpoint: str, token: Any = None, **options: Any) -> Iterator[Client]:
    with Client(endpoint, token, **options) as client:
        yield client


@contextmanager
def driven_async_client(endpoint: str, token: Any = None, **options: Any) -> Iterator[Client]:
    with asyncio.Runner() as runner:
        client = AsyncClient(endpoint, token, **options)
        try:
            yield cast("Client", Driven(client, runner))
        finally:
            runner.run(client.aclose())
