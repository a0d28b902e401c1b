"""Token sources of commands: the given token, a stored login, or the local stack's user."""

from pathlib import Path
from typing import NamedTuple

import typer

from darkroom.cli.settings import Settings
from darkroom.client.local_stack import find_running_stack
from darkroom.client.login_store import LoginStore, LoginToken
from darkroom.client.network import is_loopback
from darkroom.client.tokens import StaticToken, TokenSource

GIVEN, LOCAL_USER, LOGIN = "given token", "local stack's user", "stored login"
LOGINS_FILE = "logins.json"


class FoundToken(NamedTuple):
    """A token source, and where it comes from."""

    source: TokenSource
    origin: str


def login_store() -> LoginStore:
    """Return the store of logins in the user's config folder."""
    return LoginStore(Path(typer.get_app_dir("darkroom")) / LOGINS_FILE)


def find_token(settings: Settings) -> FoundToken | None:
    """Return the token source for the settings' endpoint, or None. A given token comes first."""
    if settings.token is not None:
        return FoundToken(StaticToken(settings.token.get_secret_value()), GIVEN)
    if settings.endpoint is None:
        return None
    store = login_store()
    login = store.get(settings.endpoint)
    if login is not None:
        return FoundToken(LoginToken(store, login), LOGIN)
    if is_loopback(settings.endpoint):
        stack = find_running_stack()
        if stack is not None and stack.endpoint.rstrip("/") == settings.endpoint.rstrip("/"):
            return FoundToken(stack.token(), LOCAL_USER)
    return None
