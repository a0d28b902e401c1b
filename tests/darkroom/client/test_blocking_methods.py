"""Blocking client: each of its methods is the asynchronous one of the same name, with its arguments and its result."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from darkroom import AsyncClient, Client
from darkroom.client.assets import Assets
from darkroom.client.async_assets import AsyncAssets
from darkroom.client.local_stack import Login, StackState

RESULT = object()
STACK = StackState(
    port=4566,
    endpoint="http://127.0.0.1:4566/api/",
    socket="ws://127.0.0.1:4566/socket",
    auth=Login(url="http://127.0.0.1:4566", client_id="app", username="ann", password="secret"),
)


class Recorder:
    """Stands for the asynchronous operations, records each call, and answers all with ``RESULT``."""

    def __init__(self, model: type) -> None:
        self.model = model
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.model, name)

        def record(*args: Any, **kwargs: Any) -> None:
            arguments = inspect.signature(method).bind(None, *args, **kwargs).arguments
            self.calls.append((name, {key: value for key, value in arguments.items() if key != "self"}))

        async def one(*args: Any, **kwargs: Any) -> object:
            record(*args, **kwargs)
            return RESULT

        async def many(*args: Any, **kwargs: Any) -> AsyncIterator[object]:
            record(*args, **kwargs)
            yield RESULT

        return many if inspect.isasyncgenfunction(method) else one


def methods(blocking: type) -> list[str]:
    return [
        name
        for name, value in inspect.getmembers(blocking, inspect.isfunction)
        if not name.startswith("_") and name != "close"
    ]


@pytest.mark.parametrize(
    ("blocking", "asynchronous", "name"),
    [
        *((Client, AsyncClient, name) for name in methods(Client)),
        *((Assets, AsyncAssets, name) for name in methods(Assets)),
    ],
)
def test_a_blocking_method_does_and_returns_what_its_asynchronous_one_does(
    blocking: type, asynchronous: type, name: str
) -> None:
    recorder = Recorder(asynchronous)
    client: Any = object.__new__(blocking)
    client._operations = client._service = recorder
    method = getattr(client, name)
    given: dict[str, object] = {}
    args: list[object] = []
    extra = {"style": object()} if name == "run" else {}
    for parameter in inspect.signature(method).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        given[parameter.name] = object()
        if parameter.kind is not parameter.KEYWORD_ONLY:
            args.append(given[parameter.name])
    keywords = {key: value for key, value in given.items() if value not in args}
    result = method(*args, **keywords, **extra)
    if isinstance(result, Iterator):
        assert list(result) == [RESULT]
    else:
        no_result = inspect.signature(method).return_annotation in (None, "None")
        assert result is (None if no_result else RESULT)
    (call,) = recorder.calls
    assert call == (name, given | ({"params": extra} if extra else {}))


@pytest.mark.parametrize("name", methods(Client))
def test_both_clients_have_the_same_defaults(name: str) -> None:
    blocking, asynchronous = (inspect.signature(getattr(client, name)).parameters for client in (Client, AsyncClient))
    assert {key: value.default for key, value in blocking.items()} == {
        key: value.default for key, value in asynchronous.items()
    }


def test_a_blocking_client_of_the_local_stack_uses_its_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darkroom.client.client.find_running_stack", lambda: STACK)
    with Client.local() as client:
        assert client.endpoint == "http://127.0.0.1:4566/api"
        assert client._operations._socket_url == STACK.socket


async def test_an_asynchronous_client_of_the_local_stack_uses_its_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darkroom.client.async_client.find_running_stack", lambda: STACK)
    async with await AsyncClient.local() as client:
        assert client.endpoint == "http://127.0.0.1:4566/api"
        assert client._socket_url == STACK.socket
