"""Stored logins: tokens of signed-in users in one file of the user's config folder, one entry for each endpoint."""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from darkroom.client.cognito import CognitoPool
from darkroom.client.errors import ProblemError
from darkroom.client.oidc import OidcIssuer, TokenSet
from darkroom.client.output_files import replacing
from darkroom.client.tokens import REFRESH_SECONDS

if sys.platform != "win32":
    import fcntl


class Issuer(Protocol):
    """A client of an issuer that renews and revokes tokens."""

    def refresh(self, tokens: TokenSet) -> TokenSet:
        """Return new tokens."""

    def revoke(self, refresh: str) -> None:
        """Revoke a refresh token."""


class StoredLogin(BaseModel):
    """A login: its issuer and tokens. ``cognito_url`` is set if the issuer is a user pool that takes a password."""

    endpoint: str
    issuer: str
    client_id: str
    cognito_url: str | None = None
    bearer: str = Field(repr=False)
    refresh: str | None = Field(None, repr=False)
    expires_at: float
    username: str | None = None

    @property
    def tokens(self) -> TokenSet:
        """The tokens of the login."""
        return TokenSet(self.bearer, self.expires_at, self.refresh, self.username)

    def with_tokens(self, tokens: TokenSet) -> "StoredLogin":
        """Return the login with other tokens."""
        update = {name: getattr(tokens, name) for name in ("bearer", "expires_at", "refresh", "username")}
        return self.model_copy(update=update)

    def connect(self) -> Issuer:
        """Return a client of the issuer."""
        if self.cognito_url is not None:
            return CognitoPool(self.cognito_url, self.client_id)
        return OidcIssuer.discover(self.issuer, self.client_id)


_LOGINS = TypeAdapter(dict[str, StoredLogin])


class LoginStore:
    """Logins in the file at ``path``, which only the user can read. An unreadable file counts as empty."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, endpoint: str) -> StoredLogin | None:
        """Return the login at an endpoint."""
        return self.all().get(endpoint.rstrip("/"))

    def all(self) -> dict[str, StoredLogin]:
        """Return every login by its endpoint."""
        try:
            return _LOGINS.validate_json(self.path.read_bytes())
        except (OSError, ValidationError):
            return {}

    def put(self, login: StoredLogin) -> None:
        """Store a login, in place of an earlier one at its endpoint."""
        with self.locked():
            self._write({**self.all(), login.endpoint.rstrip("/"): login})

    def replace(self, login: StoredLogin) -> None:
        """Store renewed tokens. The caller holds the lock."""
        self._write({**self.all(), login.endpoint.rstrip("/"): login})

    def remove(self, endpoint: str) -> StoredLogin | None:
        """Remove the login at an endpoint and return it."""
        with self.locked():
            logins = self.all()
            removed = logins.pop(endpoint.rstrip("/"), None)
            if removed is not None:
                self._write(logins)
            return removed

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the file: issuers that rotate refresh tokens accept each of them once."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if sys.platform != "win32":
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, logins: dict[str, StoredLogin]) -> None:
        """Replace the file atomically. It has mode 0600."""
        content = json.dumps({endpoint: login.model_dump(mode="json") for endpoint, login in logins.items()}, indent=2)
        with replacing(self.path, private=True) as file:
            file.write(content.encode())


class LoginToken:
    """Token source of a stored login; renewed by its refresh token a minute before it expires, and stored again.

    ``token`` raises ``ProblemError`` (``unauthorized``) when the login has expired, and ``UnreachableError`` when the
    issuer does not respond.
    """

    def __init__(self, store: LoginStore, login: StoredLogin) -> None:
        self._store = store
        self._login = login
        self._lock = threading.Lock()

    def token(self) -> str:
        """Return the token, renewed if it is about to expire."""
        with self._lock:
            if self._is_due(self._login):
                self._renew()
            return self._login.bearer

    def forget(self) -> bool:
        """Discard a rejected token, so that the next ``token`` renews it; return True if it can be renewed."""
        with self._lock:
            stored = self._store.get(self._login.endpoint)
            if stored is not None and stored.bearer != self._login.bearer:
                self._login = stored  # another process has renewed it
                return True
            self._login = self._login.model_copy(update={"expires_at": 0.0})
            return self._login.refresh is not None

    @staticmethod
    def _is_due(login: StoredLogin) -> bool:
        return time.time() >= login.expires_at - REFRESH_SECONDS

    def _renew(self) -> None:
        with self._store.locked():
            stored = self._store.get(self._login.endpoint)
            if stored is not None and stored.bearer != self._login.bearer and not self._is_due(stored):
                self._login = stored
                return
            if stored is None or stored.refresh is None:
                raise self._expired()
            try:
                tokens = stored.connect().refresh(stored.tokens)
            except ProblemError as error:
                raise self._expired() from error
            self._login = stored.with_tokens(tokens)
            self._store.replace(self._login)

    def _expired(self) -> ProblemError:
        endpoint = self._login.endpoint
        return ProblemError(
            status=401,
            code="unauthorized",
            title="Login expired",
            detail=f"The login at {endpoint} has expired. Run `darkroom login --endpoint {endpoint}`.",
        )
