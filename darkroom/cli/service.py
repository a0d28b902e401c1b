"""Service of a command: the given endpoint, else the running local stack, else a temporary one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from darkroom.cli.output import echo
from darkroom.cli.settings import Settings
from darkroom.cli.token_sources import find_token
from darkroom.client.client import Client
from darkroom.client.errors import LocalStackError
from darkroom.client.local_stack import StackState, TemporaryStack, find_running_stack, remove_abandoned_stacks


def client_for_endpoint(settings: Settings) -> Client | None:
    """Return a client of the given endpoint, or None without one.

    Without a token, it uses a stored login for the endpoint. At the local stack's own, it signs in as the local user.
    """
    if settings.endpoint is None:
        return None
    found = find_token(settings)
    return Client(settings.endpoint, None if found is None else found.source)


def client_for_running_stack(token: str | None) -> Client | None:
    """Return a client of this directory's local stack, or None. It ignores DARKROOM_TOKEN, but not ``token``.

    Private stacks that a killed command has left here are removed.
    """
    for port in remove_abandoned_stacks():
        echo(f"note: removing the local stack on port {port}, whose command was killed", err=True)
    stack = find_running_stack()
    return None if stack is None else client_for_stack(stack, token)


def client_for_stack(stack: StackState, token: str | None = None) -> Client:
    """Return a client of ``stack``, signed in as its local user unless a ``token`` is given."""
    return Client(stack.endpoint, token or stack.token(), socket_url=stack.socket)


@contextmanager
def connect(endpoint: str | None, token: str | None) -> Iterator[Client]:
    """Yield a client of the service. Raises ``LocalStackError`` if no endpoint is given and no stack runs."""
    client = client_for_endpoint(Settings.read(endpoint, token)) or client_for_running_stack(token)
    if client is None:
        raise LocalStackError(
            "No local stack runs from this directory. Start one with `darkroom up`, or give --endpoint URL."
        )
    with client:
        yield client


@contextmanager
def connect_or_start_stack(endpoint: str | None, token: str | None, say: Callable[[str], None]) -> Iterator[Client]:
    """Yield a client of the service, or of a temporary local stack. ``say`` gets the output of its start."""
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
    """Yield a client of a temporary local stack, which is always stopped and removed at the end."""
    stack = TemporaryStack(say)
    with stack as state, client_for_stack(state) as client:
        try:
            yield client
        except KeyboardInterrupt:
            # The second Ctrl-C: do not wait for the stack to stop.
            stack.stop(wait=False)
            raise
        say("Stopping the local stack …")
