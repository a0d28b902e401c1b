"""Settings of ``handlers.ended``."""

from pydantic import Field

from cloud.settings import EnvironmentSettings


class EndedSettings(EnvironmentSettings):
    """Settings of ``handlers.ended``."""

    ledger_table: str
    bucket: str
    event_bus: str
    dead_letter_queue_url: str
    instance_usd_per_hour: float = Field(0.7364, ge=0)
