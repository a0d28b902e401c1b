"""Settings of ``handlers.sweep``."""

from pydantic import Field

from handlers.settings.retry import RetrySettings


class SweepSettings(RetrySettings):
    """Settings of ``handlers.sweep``."""

    sockets_table: str
    deployment: str = Field(description="Name of the core stack, which endpoints had before 0.3.")
    endpoint_name: str
