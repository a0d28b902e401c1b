"""Settings of the functions that retry or time out attempts."""

from pydantic import Field

from handlers.settings.jobs import JobsSettings
from handlers.settings.lane import TimeLimitSettings
from handlers.settings.prices import PriceSettings

MAX_QUEUE_SECONDS = 6 * 60 * 60


class RetrySettings(JobsSettings, TimeLimitSettings, PriceSettings):
    """Settings of the retry policy."""

    queue_url: str
    dead_letter_queue_url: str
    retry_delay_seconds: int = Field(5, ge=0, le=300, description="Before the second attempt; doubles after it.")
    queue_seconds: int = Field(120, ge=1, description="Time in the queue after which a job's message is sent again.")
    queue_limit_seconds: int = Field(
        MAX_QUEUE_SECONDS,
        ge=1,
        description="Time after which a job fails that is queued without any change, or whose attempts are "
        "refused before they run.",
    )
