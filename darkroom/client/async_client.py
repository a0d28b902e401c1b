"""Asynchronous client of a Darkroom service: ``Client`` for programs with an asyncio event loop."""

import asyncio
from typing import Self

import httpx2

from darkroom.client.asynchronous import AsyncConnections
from darkroom.client.job_watcher import Pace
from darkroom.client.local_stack import find_running_stack, require_stack
from darkroom.client.operations import Operations
from darkroom.client.tokens import AsyncTokenSource, StaticToken, TokenSource


class AsyncClient(Operations):
    """Asynchronous client of a Darkroom service for one user, with the methods and exceptions of ``Client``.

    Methods are awaited; ``watch`` and ``list`` are iterated with ``async for``. ``token`` is a bearer token or a source
    of tokens: ``PasswordToken``, one whose ``token`` is a coroutine, or one whose ``token`` blocks, which is called in
    a thread. Callbacks are called in the event loop. Use the client as a context manager, or ``aclose`` it.

    Many jobs can run at once. Cancelling a task closes what its call has opened; the job itself goes on.

    >>> async def restyle(rooms: list[str]) -> None:
    ...     async with AsyncClient("https://api.example.com", token="…") as darkroom, asyncio.TaskGroup() as group:
    ...         for room in rooms:
    ...             group.create_task(darkroom.run("restyle_room", room, style="scandinavian"))

    Leave a loop over ``watch`` early through ``contextlib.aclosing``, which closes the connection at once:

    >>> async def until_running(darkroom: AsyncClient, job_id: str) -> None:
    ...     async with aclosing(darkroom.watch(job_id)) as states:
    ...         async for job in states:
    ...             if job.state == "running":
    ...                 break
    """

    def __init__(
        self,
        endpoint: str,
        token: str | TokenSource | AsyncTokenSource | None = None,
        *,
        socket_url: str | None = None,
        pace: Pace | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        storage_transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        tokens = StaticToken(token) if isinstance(token, str) or token is None else token
        connections = AsyncConnections(tokens, transport, storage_transport)
        super().__init__(endpoint, connections, socket_url=socket_url, pace=pace)

    @classmethod
    async def local(cls) -> Self:
        """Return a client of the local stack running from this directory. Raises ``LocalStackError`` if there is
        none.

        >>> async def jobs() -> None:
        ...     async with await AsyncClient.local() as darkroom:
        ...         print([job.job_id async for job in darkroom.list()])
        """
        stack = require_stack(await asyncio.to_thread(find_running_stack))
        return cls(stack.endpoint, stack.token(), socket_url=stack.socket)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()
