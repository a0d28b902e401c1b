"""Settings of ``handlers.push``."""

from pydantic import Field

from cloud.settings import EnvironmentSettings


class PushSettings(EnvironmentSettings):
    """Settings of ``handlers.push``."""

    sockets_table: str
    bucket: str
    callback_url: str
    result_seconds: int = Field(3600, ge=60, le=43200, description="Validity of a presigned GET.")
