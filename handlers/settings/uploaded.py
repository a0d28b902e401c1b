"""Settings of ``handlers.uploaded``."""

from pydantic import Field

from handlers.settings.jobs import JobsSettings


class UploadedSettings(JobsSettings):
    """Settings of ``handlers.uploaded``."""

    bucket: str
    queue_url: str
    ledger_table: str
    assets_table: str
    cache_days: int = Field(7, ge=0, description="Days for which a result is reused for an identical job; 0: never.")
    queue_seconds: int = Field(120, ge=1, description="Time in the queue after which a job's message is sent again.")
