"""The service that a command talks to: the one named, else the local stack, else one started for this command."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from darkroom.cli.settings import Settings
from darkroom.client.client import Client
from darkroom.client.errors import LocalStackError
from darkroom.client.local_stack import LocalStack, TemporaryStack, find_running_stack
from darkroom.client.network import is_loopback
from darkroom.client.tokens import TokenSource


def client_for_endpoint(settings: Settings) -> Client | None:
    """The service at the endpoint that was given, if one was. A local stack's own address needs no token."""
    if settings.endpoint is None:
        return None
    token: str | TokenSource | None = settings.token.get_secret_value() if settings.token else None
    if token is None and is_loopback(settings.endpoint):
        stack = find_running_stack()
        if stack is not None and stack.endpoint.rstrip("/") == settings.endpoint.rstrip("/"):
            token = stack.token()
    return Client(settings.endpoint, token)


def client_for_running_stack(token: str | None) -> Client | None:
    """The local stack of this directory, if it runs. DARKROOM_TOKEN is not for it; an explicit ``token`` is."""
    stack = find_running_stack()
    return None if stack is None else client_for_stack(stack, token)


def client_for_stack(stack: LocalStack, token: str | None = None) -> Client:
    """A client of ``stack``, as its local user unless there is a ``token``."""
    return Client(stack.endpoint, token or stack.token(), socket_url=stack.socket)


@contextmanager
def connect(endpoint: str | None, token: str | None) -> Iterator[Client]:
    """The service, which must be there. Raises ``LocalStackError`` when no endpoint is given and no stack runs."""
    client = client_for_endpoint(Settings.read(endpoint, token)) or client_for_running_stack(token)
    if client is None:
        raise LocalStackError(
            "No local stack runs from this directory. Start one with `darkroom up`, or give --endpoint URL."
        )
    with client:
        yield client


@contextmanager
def connect_or_start_stack(endpoint: str | None, token: str | None, say: Callable[[str], None]) -> Iterator[Client]:
    """The service; when there is none, a local stack for the time of this context. ``say`` hears of its start."""
    client = client_for_endpoint(Settings.read(endpoint, token)) or client_for_running_stack(token)
    if client is not None:
        with client:
            yield client
        return
    say("No local stack runs here; starting one …")
    with temporary_stack_client(say) as client:
        yield client


@contextmanager
def temporary_stack_client(say: Callable[[str], None]) -> Iterator[Client]:
    """A client of a local stack of its own, stopped and removed at the end, whatever the end is."""
    stack = TemporaryStack(say)
    with stack as state, client_for_stack(state) as client:
        try:
            yield client
        except KeyboardInterrupt:
            # The second Ctrl-C: whoever presses it will not wait for the stack to stop.
            stack.stop(wait=False)
            raise
        say("Stopping the local stack …")
