"""Settings of the functions that know on which lane a job runs."""

from pydantic import Field

from cloud.lane import Lane, PreviewOn, lane_of
from cloud.settings import EnvironmentSettings
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import VIDEO_KINDS, Kind


class TimeLimitSettings(EnvironmentSettings):
    """Time limits of an attempt, in seconds."""

    invocation_seconds: int = Field(900, ge=1, le=3600, description="Time limit of an attempt.")
    video_seconds: int = Field(3600, ge=1, le=3600, description="Time limit of an attempt that makes a video.")
    cpu_seconds: int = Field(
        885, ge=1, le=900, description="Time limit of an attempt on the cpu lane: its function's, less a reserve."
    )

    def time_limit(self, kind: Kind | None, lane: Lane | None = None) -> int:
        """Return the time limit of an attempt in seconds; no lane is the GPU's."""
        seconds = self.video_seconds if kind in VIDEO_KINDS else self.invocation_seconds
        return min(seconds, self.cpu_seconds) if lane is Lane.CPU else seconds


class LaneSettings(EnvironmentSettings):
    """Choice of the lane by a job's engine."""

    preview_on: PreviewOn = Field(PreviewOn.LAMBDA, description="Where the preview engine runs: lambda or endpoint.")

    def lane_of(self, engine: Engine) -> Lane:
        """Return the lane of an engine's jobs."""
        return lane_of(engine, self.preview_on)
