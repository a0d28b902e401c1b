"""Settings of ``handlers.finished``."""

from pydantic import Field

from handlers.settings.retry import RetrySettings


class FinishedSettings(RetrySettings):
    """Settings of ``handlers.finished``."""

    bucket: str
    endpoint_name: str
    sockets_table: str
    ledger_table: str
    cache_days: int = Field(7, ge=0, description="Days for which a result is reused for an identical job; 0: never.")
