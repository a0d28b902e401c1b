"""What the container reads from its environment, once."""

from typing import Literal, Self

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.jobs import MAX_UPLOAD_BYTES


class Settings(BaseSettings):
    """A field's environment variable is its name in upper case. AWS's own variables are the SDK's business."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    jobs_table: str
    bucket: str
    host: str = "0.0.0.0"  # noqa: S104  # SageMaker calls the container from outside it
    port: int = Field(8080, ge=1, le=65535, description="SageMaker calls 8080.")
    concurrency: int = Field(2, ge=1, le=64, description="Jobs in flight; one computes while the others read and save.")
    stages: Literal["default", "noop"] = Field("default", description="`noop`: every plan is empty, for the bench.")
    max_upload_bytes: int = Field(MAX_UPLOAD_BYTES, ge=1)
    progress_seconds: float = Field(0.2, gt=0, description="Least time between two writes of progress in one stage.")
    heartbeat_seconds: float = Field(1.0, gt=0, description="Longest time until a cancelled job is noticed.")
    drain_seconds: float = Field(20.0, ge=0, description="Time to finish after SIGTERM; SageMaker kills after 30 s.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @classmethod
    def read(cls) -> Self:
        """These settings from the environment. Raises ``ValidationError`` naming what is missing or wrong."""
        return cls()
