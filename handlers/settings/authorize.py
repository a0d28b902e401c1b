"""Settings of ``handlers.authorize``."""

from pydantic import Field

from cloud.settings import EnvironmentSettings


class AuthorizeSettings(EnvironmentSettings):
    """Settings of ``handlers.authorize``."""

    issuer: str
    client_id: str
    jwks_url: str = Field(description="Address of the issuer's keys; if empty, its discovery document names it.")
