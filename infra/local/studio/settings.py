"""Settings of the studio's server, read once from the environment."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from infra.studio_headers import ConnectOrigins


class User(BaseModel):
    """Credentials of the user that is signed in by one click."""

    username: str
    password: str


class StudioConfig(BaseModel):
    """Contents of ``config.json``: the deployment that the studio talks to."""

    deployment: str
    api_url: str
    identity_url: str | None = None
    local_user: User | None = None


class Settings(BaseSettings):
    """Settings of the server. ``folder`` holds the built studio; ``emulator_url`` is its only other origin.

    Requests with ``key`` get the local user's password; other users sign in themselves.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_prefix="STUDIO_")

    host: str
    port: int
    folder: Path
    emulator_url: str
    config: StudioConfig
    key: SecretStr

    @classmethod
    def read(cls) -> Self:
        """Read the settings from the environment. Raises ``ValidationError`` naming missing or invalid ones."""
        return cls()

    def connect_origins(self) -> ConnectOrigins:
        """Return the origins of the content security policy: the emulator for every service."""
        http = self.emulator_url
        return ConnectOrigins(
            api=http, socket=urlsplit(http)._replace(scheme="ws").geturl(), storage=(http,), identity=http
        )
