"""Settings of the stand-in, read once from the environment."""

from pathlib import Path
from typing import Self

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

HEALTH = "/_health"  # answered without a signature
S3_LOCATION = r"^s3://[^/]+/.*$"


class Settings(BaseSettings):
    """Settings of the stand-in. A variable is the field's name in upper case; AWS's own variables locate the
    emulator.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    host: str = "127.0.0.1"
    port: int = Field(8081, ge=1, le=65535)
    endpoint_name: str = "darkroom"
    output_location: str = Field(pattern=S3_LOCATION, description="Prefix of outcomes, as s3://bucket/prefix/.")
    failure_location: str | None = Field(None, pattern=S3_LOCATION, description="Prefix of failures, likewise.")
    success_topic_arn: str | None = None
    error_topic_arn: str | None = None
    include_inference_response_in: list[str] = Field(
        [], description="Topics whose notifications have the container's response, as in SageMaker's API."
    )
    aws_endpoint_url: str = Field(description="URL of the emulator.")
    aws_region: str = Field("us-east-1", validation_alias=AliasChoices("AWS_REGION", "AWS_DEFAULT_REGION"))
    invocations_folder: Path = Field(description="Folder of accepted invocations, for the next start.")
    container_role_arn: str | None = Field(
        None, description="Role of the instances; the stand-in's own credentials if not set."
    )
    container_module: str = Field("containers.gpu", description="Module that an instance runs.")
    # Passed on to the containers.
    jobs_table: str
    ledger_table: str
    bucket: str
    stages: str = "default"
    weights: str | None = Field(None, description="Folder of the weights; the container's default if not set.")
    device: str | None = Field(None, description="Device of the networks; likewise.")
    long_side: int | None = Field(
        None, ge=64, multiple_of=8, description="Long side of the diffusion canvas, in pixels."
    )
    models: str = Field("{}", description="Role → id of the model to take instead of the default, as JSON.")
    accept_research_licence: bool = Field(False, description="Use models for non-commercial research only.")
    speech: str = Field("espeak", description="Speech synthesis: `espeak` or `polly`.")
    reported_engines: str = Field(
        '["models", "preview"]', description="Engines whose digests the containers write, as JSON."
    )
    instances: int = Field(1, ge=1, le=16, description="Maximum number of instances.")
    min_instances: int = Field(1, ge=0, le=16, description="Minimum number of instances; 0 scales to zero.")
    concurrency: int = Field(2, ge=1, le=64, description="Invocations at once per instance.")
    cold_start_seconds: float = Field(0.0, ge=0, description="Delay before the process of a new instance starts.")
    idle_seconds: float = Field(300.0, ge=0, description="Idle time after which a surplus instance is stopped.")
    start_seconds: float = Field(120.0, gt=0, description="Time limit for a new instance to respond to /ping.")
    stop_seconds: float = Field(5.0, ge=0, description="Time for an instance to finish when it is stopped.")

    @field_validator("output_location", "failure_location")
    @classmethod
    def _a_folder(cls, value: str | None) -> str | None:
        return value if value is None or value.endswith("/") else f"{value}/"

    @classmethod
    def read(cls) -> Self:
        """Read the settings from the environment. Raises ``ValidationError`` naming missing or invalid ones."""
        return cls()
