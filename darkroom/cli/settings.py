"""Settings of the command: endpoint and token, from the environment or from flags."""

from typing import Annotated, Any, Self

import typer
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

EndpointFlag = Annotated[
    str | None,
    typer.Option(
        "--endpoint",
        metavar="URL",
        help="URL of the service; DARKROOM_ENDPOINT when left out, else the local stack.",
        show_default=False,
    ),
]
TokenFlag = Annotated[
    str | None,
    typer.Option("--token", metavar="TOKEN", help="Bearer token; DARKROOM_TOKEN when left out.", show_default=False),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Settings(BaseSettings):
    """``DARKROOM_ENDPOINT`` and ``DARKROOM_TOKEN``; an empty variable counts as unset."""

    model_config = SettingsConfigDict(env_prefix="DARKROOM_", env_ignore_empty=True, extra="ignore", frozen=True)

    endpoint: str | None = Field(None, pattern=r"^https?://[^/]+", description="Address of the HTTP API.")
    token: SecretStr | None = Field(None, description="Bearer token for that endpoint.")

    @classmethod
    def read(cls, endpoint: str | None = None, token: str | None = None) -> Self:
        """Return the settings; flags override variables. Raises ``typer.BadParameter`` for an invalid endpoint."""
        flags: dict[str, Any] = {"endpoint": endpoint, "token": token}
        try:
            return cls(**{name: value for name, value in flags.items() if value})
        except ValidationError as error:
            raise typer.BadParameter(
                "an endpoint starts with https:// or http://", param_hint="'--endpoint' / DARKROOM_ENDPOINT"
            ) from error
