"""Asynchronous client beyond the scenarios that both clients share: concurrency, cancellation, sources of tokens."""

import asyncio
import gc
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from darkroom import AsyncClient, Client, LocalStackError, PasswordToken
from darkroom.client.assets import Assets
from darkroom.client.async_assets import AsyncAssets
from darkroom.client.blocking import iterate_blocking, run_blocking
from darkroom.client.job_watcher import Pace
from darkroom.contract.jobs import State
from tests.darkroom.fake_service import TOKEN, Service
from tests.darkroom.jobs import RESULT, completed, job
from tests.darkroom.stub_runtime import put, state_of

# What is collected while it is open warns.
pytestmark = pytest.mark.filterwarnings("error")
PACE = Pace(poll=0.01, first_reconnect=0.01)


class Never(Response):
    """A response that does not come."""

    async def __call__(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        await asyncio.sleep(60)


def stalled_result() -> Response:
    """A response that stops before its end."""

    async def body() -> AsyncIterator[bytes]:
        yield RESULT[:50_000]
        await asyncio.sleep(60)

    return StreamingResponse(body())


def connections(service: Service) -> int:
    """The number of connections to the service that this process has open."""
    port = urlsplit(service.url).port
    return sum(
        1
        for each in psutil.Process().net_connections("tcp")
        if each.raddr and each.raddr[1] == port and each.status == psutil.CONN_ESTABLISHED
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def asked(service: Service, method: str, path: str) -> Callable[[], bool]:
    return lambda: bool(service.keys(method, path))


Operation = Callable[[AsyncClient, Service, Path], Coroutine[Any, Any, object]]


async def watch_a_silent_job(client: AsyncClient, service: Service, _path: Path) -> None:
    service.job = job(3, "running")
    async for _ in client.watch("a" * 32):
        pass


async def poll_a_silent_job(client: AsyncClient, service: Service, _path: Path) -> None:
    service.socket_offered = False
    await watch_a_silent_job(client, service, _path)


async def run_a_job(client: AsyncClient, service: Service, path: Path) -> None:
    service.story = [job(3, "running")]
    await client.run("restyle_room", path / "room.jpg", style="modern")


async def upload_without_an_answer(client: AsyncClient, service: Service, path: Path) -> None:
    service.storage_answers = [Never()]
    await client.run("restyle_room", path / "room.jpg", style="modern")


async def download_a_stalled_result(client: AsyncClient, service: Service, path: Path) -> None:
    service.storage_answers = [stalled_result()]
    await client.download(completed(4, f"{service.url}/results/result.jpg"), path / "work" / "out.jpg")


async def cancel_without_an_answer(client: AsyncClient, service: Service, _path: Path) -> None:
    service.cancel_hangs = True
    await client.cancel("a" * 32)


def part_of(path: Path) -> bool:
    return any(each.stat().st_size for each in (path / "work").glob("*.part"))


STARTED: dict[Operation, Callable[[Service, Path], bool]] = {
    watch_a_silent_job: lambda service, _: bool(service.subscriptions),
    poll_a_silent_job: lambda service, _: len(service.keys("GET", f"/jobs/{'a' * 32}")) > 2,
    run_a_job: lambda service, _: bool(service.subscriptions),
    upload_without_an_answer: lambda service, _: bool(service.keys("POST", "/jobs")) and not service.storage_answers,
    download_a_stalled_result: lambda service, path: not service.storage_answers and part_of(path),
    cancel_without_an_answer: lambda service, _: bool(service.keys("DELETE", f"/jobs/{'a' * 32}")),
}


@pytest.mark.parametrize("operation", STARTED, ids=lambda operation: operation.__name__)
async def test_a_cancelled_operation_leaves_nothing_open(
    operation: Operation, service: Service, photo: Path, tmp_path: Path
) -> None:
    async with AsyncClient(service.url, TOKEN, pace=PACE) as client:
        task = asyncio.create_task(operation(client, service, tmp_path))
        await until(lambda: task.done() or STARTED[operation](service, tmp_path))
        assert connections(service) > 0
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert connections(service) <= 2, "idle ones, which the client keeps for the next request"
        service.cancel_hangs = False
        assert (await client.get("a" * 32)).job_id == "a" * 32, "the client is of use after it"
    gc.collect()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await until(lambda: connections(service) == 0)
    assert list((tmp_path / "work").iterdir()) == []


async def test_a_timeout_ends_a_watch(service: Service) -> None:
    service.job = job(3, "running")
    async with AsyncClient(service.url, TOKEN) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await watch_a_silent_job(client, service, Path())


async def test_leaving_the_loop_closes_the_socket(service: Service) -> None:
    service.job = job(3, "running")
    async with AsyncClient(service.url, TOKEN, pace=PACE) as client:
        async with aclosing(client.watch("a" * 32)) as states:
            async for state in states:
                assert state.seq == 3
                break
        await client.get("a" * 32)
        await until(lambda: connections(service) == 1)


async def test_many_operations_wait_at_once(service: Service) -> None:
    async with AsyncClient(service.url, TOKEN, pace=PACE) as client:
        watches = [asyncio.create_task(_last(client)) for _ in range(20)]
        await until(lambda: len(service.subscriptions) == 20)
        service.change(completed(6, None))
        assert await asyncio.gather(*watches) == [State.COMPLETED] * 20


async def _last(client: AsyncClient) -> State:
    return [state.state async for state in client.watch("a" * 32)][-1]


async def test_the_event_loop_goes_on_while_files_are_read(service: Service, photo: Path) -> None:
    threads: list[int] = []

    class Watched:
        def __init__(self) -> None:
            self.left = [photo.read_bytes()]

        def read(self, _size: int = -1, /) -> bytes:
            threads.append(threading.get_ident())
            return self.left.pop() if self.left else b""

    async with AsyncClient(service.url, TOKEN, pace=PACE) as client:
        assert (await client.run("restyle_room", {"photo": Watched()}, style="modern")).state is State.COMPLETED
    assert threads
    assert threading.get_ident() not in threads


class AsyncTokens:
    """A source of tokens whose first one is rejected."""

    def __init__(self) -> None:
        self.values = ["stale", TOKEN]

    async def token(self) -> str:
        await asyncio.sleep(0)
        return self.values[0]

    def forget(self) -> bool:
        self.values.pop(0)
        return True


async def test_a_source_of_tokens_may_be_a_coroutine(service: Service) -> None:
    async with AsyncClient(service.url, AsyncTokens()) as client:
        assert (await client.get("a" * 32)).seq == 1


async def test_a_source_of_tokens_that_blocks_is_called_in_a_thread(service: Service) -> None:
    threads: list[int] = []

    class Tokens:
        def token(self) -> str:
            threads.append(threading.get_ident())
            return TOKEN

        def forget(self) -> bool:
            return False

    async with AsyncClient(service.url, Tokens()) as client:
        await client.get("a" * 32)
    assert threads != [threading.get_ident()]


async def test_concurrent_operations_sign_in_once(service: Service) -> None:
    seen: list[httpx2.Request] = []

    async def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        await asyncio.sleep(0.05)
        return httpx2.Response(200, json={"AuthenticationResult": {"AccessToken": TOKEN, "ExpiresIn": 3600}})

    transport = httpx2.MockTransport(answer)
    tokens = PasswordToken("http://cognito.test", "app", "ann", "secret", transport=transport)
    async with AsyncClient(service.url, tokens) as client:
        await asyncio.gather(*(client.get("a" * 32) for _ in range(10)))
    assert len(seen) == 1


async def test_a_local_client_uses_the_running_stack(folder: Path, service: Service, signed_in: None) -> None:
    with pytest.raises(LocalStackError, match="darkroom up"):
        await AsyncClient.local()
    put(folder, 1001, state_of(service))
    async with await AsyncClient.local() as client:
        assert (await client.get("a" * 32)).state is State.AWAITING_UPLOAD


def methods(of: type) -> Iterator[tuple[str, list[tuple[str, Any, Any]]]]:
    for name, method in inspect.getmembers(of, callable):
        if not name.startswith("_"):
            parameters = inspect.signature(method).parameters.values()
            yield name, [(each.name, each.kind, each.default) for each in parameters if each.name != "self"]


@pytest.mark.parametrize(("blocking", "asynchronous"), [(Client, AsyncClient), (Assets, AsyncAssets)])
def test_both_clients_have_the_same_methods(blocking: type, asynchronous: type) -> None:
    ours = dict(methods(asynchronous))
    if "aclose" in ours:
        ours["close"] = ours.pop("aclose")
    assert ours == dict(methods(blocking))


def test_a_blocking_operation_that_waits_for_a_loop_is_an_error() -> None:
    async def waits() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waited for an event loop"):
        run_blocking(waits())


def test_leaving_a_blocking_loop_closes_the_generator() -> None:
    closed: list[bool] = []

    async def items() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    iterator = iterate_blocking(items())  # type: ignore[arg-type] # an asynchronous generator is one
    assert next(iterator) == 1
    iterator.close()  # type: ignore[attr-defined] # as is a generator
    assert closed == [True]


async def test_the_blocking_client_works_inside_an_event_loop(service: Service) -> None:
    service.on_subscribe = lambda _message: service.change(completed(6, None))
    with Client(service.url, TOKEN, pace=PACE) as client:
        assert [each.seq for each in client.watch("a" * 32)][-1] == 6
        assert next(client.list()).job_id == "0" * 32
    gc.collect()
    assert asyncio.all_tasks() == {asyncio.current_task()}
