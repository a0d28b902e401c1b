"""Settings of the functions that retry or time out attempts."""

from pydantic import Field

from darkroom.contract.kinds import VIDEO_KINDS, Kind
from handlers.settings.jobs import JobsSettings

MAX_QUEUE_SECONDS = 6 * 60 * 60


class RetrySettings(JobsSettings):
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
    invocation_seconds: int = Field(900, ge=1, le=3600, description="Time limit of an attempt.")
    video_seconds: int = Field(3600, ge=1, le=3600, description="Time limit of an attempt that makes a video.")
    instance_usd_per_hour: float = Field(0.7364, ge=0)

    def time_limit(self, kind: Kind | None) -> int:
        """Return the time limit of an attempt in seconds."""
        return self.video_seconds if kind in VIDEO_KINDS else self.invocation_seconds
