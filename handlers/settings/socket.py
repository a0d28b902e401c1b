"""Settings of ``handlers.socket``."""

from pydantic import Field

from handlers.settings.jobs import JobsSettings


class SocketSettings(JobsSettings):
    """Settings of ``handlers.socket``."""

    bucket: str
    callback_url: str
    result_seconds: int = Field(3600, ge=60, le=43200, description="Validity of a presigned GET.")
