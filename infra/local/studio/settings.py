"""What the studio's server reads from its environment, once."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from infra.studio_headers import ConnectOrigins


class User(BaseModel):
    """Who is signed in by one click."""

    username: str
    password: str


class StudioConfig(BaseModel):
    """``config.json``: what the studio is told of the deployment it stands in front of."""

    deployment: str
    api_url: str
    identity_url: str | None = None
    local_user: User | None = None


class Settings(BaseSettings):
    """The server's environment. ``folder`` holds the built studio; ``emulator_url`` is the one origin behind it.

    Whoever opens the studio with ``key`` is told the local user's password; others sign in by themselves.
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
        """These settings from the environment. Raises ``ValidationError`` naming what is missing or wrong."""
        return cls()

    def connect_origins(self) -> ConnectOrigins:
        """The emulator plays every part."""
        http = self.emulator_url
        return ConnectOrigins(
            api=http, socket=urlsplit(http)._replace(scheme="ws").geturl(), storage=(http,), identity=http
        )
