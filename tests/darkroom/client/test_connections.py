"""Connections of the client: how long they wait for the service and the storage, and which redirects they follow."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from darkroom.client.asynchronous import AsyncConnections
from darkroom.client.blocking import BlockingConnections
from darkroom.client.errors import ProblemError
from darkroom.client.oidc import OidcIssuer
from darkroom.client.tokens import StaticToken

SERVICE = {"connect": 5.0, "read": 30.0, "write": 30.0, "pool": 30.0}
STORAGE = {"connect": 5.0, "read": 60.0, "write": 60.0, "pool": 60.0}


class Recorder:
    """Redirects ``/old`` to ``/new``, and records how long each request would wait."""

    def __init__(self) -> None:
        self.timeouts: list[dict[str, float]] = []
        self.transport = httpx2.MockTransport(self)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.timeouts.append(request.extensions["timeout"])
        if request.url.path == "/old":
            return httpx2.Response(302, headers={"Location": "/new"})
        return httpx2.Response(200, content=b"here")


@contextmanager
def recorders() -> Iterator[tuple[Recorder, Recorder]]:
    service, storage = Recorder(), Recorder()
    yield service, storage
    assert service.timeouts == [SERVICE]
    assert storage.timeouts == [STORAGE, STORAGE]


async def downloaded(connections: Any) -> bytes:
    """What the storage sends for an address that was moved, after a request of the service that was moved, too."""
    moved = await connections.api.request("GET", "https://service.example/old")
    assert moved.status_code == 302, "the service's redirects are not followed: they would take the token along"
    content = bytearray()
    await connections.storage.download("https://storage.example/old", lambda _response: None, content.extend)
    await connections.close()
    return bytes(content)


async def test_blocking_connections_wait_longer_for_the_storage_and_follow_it() -> None:
    with recorders() as (service, storage):
        connections = BlockingConnections(StaticToken("token"), service.transport, storage.transport)
        assert await downloaded(connections) == b"here"


async def test_asynchronous_connections_wait_longer_for_the_storage_and_follow_it() -> None:
    with recorders() as (service, storage):
        connections = AsyncConnections(StaticToken("token"), service.transport, storage.transport)
        assert await downloaded(connections) == b"here"


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_closed_connections_send_nothing(asynchronous: bool) -> None:
    recorder = Recorder()
    connections: Any = (AsyncConnections if asynchronous else BlockingConnections)(
        StaticToken("token"), recorder.transport, recorder.transport
    )
    await connections.close()
    for http in (connections.api, connections.storage):
        with pytest.raises(RuntimeError, match="closed"):
            await http.request("GET", "https://service.example/new")
    assert recorder.timeouts == []


def test_an_issuer_has_half_a_minute() -> None:
    recorder = Recorder()
    with pytest.raises(ProblemError):
        OidcIssuer.discover("https://issuer.example", "app", transport=recorder.transport)
    assert [timeout["read"] for timeout in recorder.timeouts] == [30]
