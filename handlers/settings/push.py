"""Settings of ``handlers.push``."""

from pydantic import Field

from handlers.settings.jobs import JobsSettings


class PushSettings(JobsSettings):
    """Settings of ``handlers.push``."""

    bucket: str
    callback_url: str
    result_seconds: int = Field(3600, ge=60, le=43200, description="Validity of a presigned GET.")
