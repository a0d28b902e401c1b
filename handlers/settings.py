"""Settings of the Lambda functions, read once from the environment: one class per function.

``infra`` writes the same names. A field's environment variable is its name in upper case. Every value without a default
is required.
"""

from typing import Annotated

from pydantic import AfterValidator, AliasChoices, Field

from cloud.settings import EnvironmentSettings
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import VIDEO_KINDS, Kind
from handlers.limits import rates

MAX_QUEUE_SECONDS = 6 * 60 * 60


class JobsSettings(EnvironmentSettings):
    """Name of the jobs table."""

    jobs_table: str


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


class ApiSettings(JobsSettings):
    """Settings of ``handlers.api``."""

    bucket: str
    queue_url: str
    endpoint_name: str
    issuer: str
    client_id: str
    socket_url: str
    default_engine: Engine = Field(Engine.PREVIEW, description="Engine of requests that name none.")
    ledger_table: str
    assets_table: str
    rate_limits: Annotated[dict[str, str], AfterValidator(rates.validate_overrides)] = Field(
        {}, description="Kind (or `prompts`, `assets`, `default`) → `10/60`: ten in 60 seconds."
    )
    owner_daily_usd: float = Field(
        10.0, ge=0, description="Largest cost of one owner's jobs in a UTC day; 0: no limit."
    )
    instance_usd_per_hour: float = Field(0.7364, ge=0)
    cache_days: int = Field(7, ge=0, description="Days for which a result is reused for an identical job; 0: never.")
    queue_seconds: int = Field(120, ge=1, description="Time in the queue after which a job's message is sent again.")
    bedrock_model: str = Field("", description="Model or inference profile that enhances prompts; empty: rules only.")
    aws_region: str = Field("us-east-1", validation_alias=AliasChoices("AWS_REGION", "AWS_DEFAULT_REGION"))
    upload_seconds: int = Field(900, ge=60, le=3600, description="Validity of a presigned POST.")
    result_seconds: int = Field(3600, ge=60, le=43200, description="Validity of a presigned GET.")
    retention_days: int = Field(30, ge=1)


class UploadedSettings(JobsSettings):
    """Settings of ``handlers.uploaded``."""

    bucket: str
    queue_url: str
    ledger_table: str
    assets_table: str
    cache_days: int = Field(7, ge=0, description="Days for which a result is reused for an identical job; 0: never.")
    queue_seconds: int = Field(120, ge=1, description="Time in the queue after which a job's message is sent again.")


class DispatchSettings(RetrySettings):
    """Settings of ``handlers.dispatch``."""

    bucket: str
    deployment: str = Field(description="Name of the core stack: the GPU spend is that of the deployment.")
    endpoint_name: str
    sockets_table: str
    look_seconds: int = Field(15, ge=0, description="Minimum time between two checks of the endpoint's instances.")
    invocation_ttl_seconds: int = Field(
        3600, ge=60, le=21600, description="Longest wait of an invocation for an instance."
    )


class FinishedSettings(RetrySettings):
    """Settings of ``handlers.finished``."""

    bucket: str
    endpoint_name: str
    sockets_table: str
    ledger_table: str
    cache_days: int = Field(7, ge=0, description="Days for which a result is reused for an identical job; 0: never.")


class EndedSettings(EnvironmentSettings):
    """Settings of ``handlers.ended``."""

    ledger_table: str
    bucket: str
    event_bus: str
    dead_letter_queue_url: str
    instance_usd_per_hour: float = Field(0.7364, ge=0)


class SweepSettings(RetrySettings):
    """Settings of ``handlers.sweep``."""

    sockets_table: str
    callback_url: str
    deployment: str = Field(description="Name of the core stack, which endpoints had before 0.3.")
    endpoint_name: str


class GuardSettings(EnvironmentSettings):
    """Settings of ``handlers.guard``."""

    sockets_table: str
    deployment: str = Field(description="Name of the core stack: the GPU spend is that of the deployment.")
    endpoint_name: str
    variant_name: str
    max_instances: int = Field(4, ge=1)
    instance_usd_per_hour: float = Field(0.7364, ge=0)
    stop_usd: float = Field(100.0, gt=0, description="Cost of a UTC day at which the endpoint is stopped.")


class SocketSettings(JobsSettings):
    """Settings of ``handlers.socket``."""

    sockets_table: str
    bucket: str
    callback_url: str
    result_seconds: int = Field(3600, ge=60, le=43200, description="Validity of a presigned GET.")


class PushSettings(EnvironmentSettings):
    """Settings of ``handlers.push``."""

    sockets_table: str
    bucket: str
    callback_url: str
    result_seconds: int = Field(3600, ge=60, le=43200, description="Validity of a presigned GET.")


class AuthorizeSettings(EnvironmentSettings):
    """Settings of ``handlers.authorize``."""

    issuer: str
    client_id: str
    jwks_url: str = Field(description="Address of the issuer's keys; if empty, its discovery document names it.")
