"""Settings of ``handlers.dispatch``."""

from pydantic import Field

from handlers.settings.lane import LaneSettings
from handlers.settings.retry import RetrySettings


class DispatchSettings(RetrySettings, LaneSettings):
    """Settings of ``handlers.dispatch``."""

    bucket: str
    deployment: str = Field(description="Name of the core stack: the GPU spend is that of the deployment.")
    endpoint_name: str
    sockets_table: str
    look_seconds: int = Field(15, ge=0, description="Minimum time between two checks of the endpoint's instances.")
    invocation_ttl_seconds: int = Field(
        3600, ge=60, le=21600, description="Longest wait of an invocation for an instance."
    )
    cpu_function: str = Field("", description="Name of the cpu lane's function; empty if the deployment has none.")
    drafts: bool = Field(True, description="The cpu lane makes drafts of jobs that wait for a GPU to start.")
    cpu_event_seconds: int = Field(
        300, ge=60, le=21600, description="Longest wait of an invocation of the cpu lane for its function."
    )
