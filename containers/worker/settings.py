"""Settings of the container, read from its environment variables at the start."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.uploads import MAX_AUDIO_BYTES
from darkroom.contract.video_params import MAX_VIDEO_SECONDS
from pipeline.weights.catalog import choose_models
from pipeline.weights.store import default_folder


class Settings(BaseSettings):
    """Container settings. A field's environment variable is its name in upper case. The SDK reads AWS's own ones."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    jobs_table: str
    ledger_table: str
    bucket: str
    host: str = "0.0.0.0"  # noqa: S104  # SageMaker calls the container from outside it
    port: int = Field(8080, ge=1, le=65535, description="SageMaker calls 8080.")
    invocations_token: SecretStr | None = Field(
        None, description="Bearer token of `POST /invocations`, if other callers than SageMaker can reach the port."
    )
    run_as: str | None = Field(
        None, description="User that the server goes on as when it was started as root; it stays root without one."
    )
    concurrency: int = Field(
        2, ge=1, le=64, description="Concurrent jobs: one computes while the others load and save."
    )
    stages: Literal["default", "noop"] = Field("default", description="`noop`: every plan is empty, for measurements.")
    weights: Path = Field(default_factory=default_folder, description="Folder of the weight store.")
    device: str = Field("auto", description="Device of the networks: `auto`, `cpu`, `cuda` or `cuda:N`.")
    vram_budget_mb: int | None = Field(None, ge=1, description="Device memory for weights; measured if not set.")
    host_budget_mb: int | None = Field(
        None, ge=0, description="Host memory for offloaded weights; measured if not set."
    )
    long_side: int | None = Field(
        None, ge=64, multiple_of=8, description="Longer side of diffusion canvases, in pixels."
    )
    models: dict[str, str] = Field({}, description="Role → id of the model that replaces the default, as JSON.")
    accept_research_licence: bool = Field(
        False, description="The operator accepts licences for non-commercial research only."
    )
    speech: Literal["espeak", "polly"] = Field("espeak", description="Speech synthesiser.")
    cache_mb: int = Field(512, ge=0, description="Size of the stage cache; 0 disables it.")
    preload: tuple[Kind, ...] = Field((), description="Kinds whose networks are loaded at the start, as JSON.")
    max_upload_bytes: int = Field(MAX_AUDIO_BYTES, ge=1, description="Maximum size of an uploaded file.")
    max_part_bytes: int = Field(2_000_000_000, ge=1, description="Maximum size of an intermediate file.")
    progress_seconds: float = Field(0.2, gt=0, description="Minimum time between two progress writes.")
    video_progress_seconds: float = Field(
        1.0, gt=0, description="The same within a stage of a video job, which takes minutes."
    )
    heartbeat_seconds: float = Field(1.0, gt=0, description="Maximum time until a cancellation is noticed.")
    drain_seconds: float = Field(
        20.0, ge=0, description="Time for running jobs after SIGTERM; SageMaker sends SIGKILL after 30 s."
    )
    max_video_seconds: float = Field(
        MAX_VIDEO_SECONDS, gt=0, description="Length of the longest video, less where a job has little time."
    )
    reported_engines: tuple[Engine, ...] = Field(
        tuple(Engine),
        description="Engines whose digests are written, as JSON; another lane writes its own.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("models")
    @classmethod
    def _known_models(cls, value: dict[str, str]) -> dict[str, str]:
        choose_models(tuple(value), value)
        return value

    @classmethod
    def read(cls) -> Self:
        """Read the settings from the environment. Raises ``ValidationError`` naming missing or invalid variables."""
        return cls()
