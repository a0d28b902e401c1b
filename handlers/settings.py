"""Settings of the Lambda functions, read once from the environment: one class per function.

``infra`` writes the same names. A field's environment variable is its name in upper case. Every value without a default
is required.
"""

from typing import Annotated

from pydantic import AfterValidator, AliasChoices, Field

from cloud.settings import EnvironmentSettings
from darkroom.contract.engine import Engine
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
    queue_seconds: int = Field(120, ge=1, description="Queued for longer, a job's message is sent again.")


class ApiSettings(JobsSettings):
    """Settings of ``handlers.api``."""

    bucket: str
    queue_url: str
    endpoint_name: str
    issuer: str
    client_id: str
    socket_url: str
    default_engine: Engine = Field(Engine.PREVIEW, description="Of requests that name none.")
    ledger_table: str
    assets_table: str
    rate_limits: Annotated[dict[str, str], AfterValidator(rates.validate_overrides)] = Field(
        {}, description="Kind (or `prompts`, `default`) → `10/60`: ten in 60 seconds."
    )
    owner_daily_usd: float = Field(10.0, ge=0, description="What the jobs of one owner may cost in a UTC day; 0: any.")
    instance_usd_per_hour: float = Field(0.7364, ge=0)
    cache_days: int = Field(7, ge=0, description="How long a result is taken for the same job again; 0: never.")
    queue_seconds: int = Field(120, ge=1, description="Queued for longer, a job's message is sent again.")
    bedrock_model: str = Field("", description="Model or inference profile that enhances prompts; rules do, without.")
    aws_region: str = Field("us-east-1", validation_alias=AliasChoices("AWS_REGION", "AWS_DEFAULT_REGION"))
    upload_seconds: int = Field(900, ge=60, le=3600, description="How long a presigned POST is good for.")
    result_seconds: int = Field(3600, ge=60, le=43200, description="How long a presigned GET is good for.")
    retention_days: int = Field(30, ge=1)


class UploadedSettings(JobsSettings):
    """Settings of ``handlers.uploaded``."""

    bucket: str
    queue_url: str
    ledger_table: str
    assets_table: str
    cache_days: int = Field(7, ge=0, description="How long a result is taken for the same job again; 0: never.")
    queue_seconds: int = Field(120, ge=1, description="Queued for longer, a job's message is sent again.")


class DispatchSettings(RetrySettings):
    """Settings of ``handlers.dispatch``."""

    bucket: str
    endpoint_name: str
    sockets_table: str
    look_seconds: int = Field(15, ge=0, description="Least time between two looks at what the endpoint has running.")
    invocation_seconds: int = Field(900, ge=1, le=3600, description="The container's time for one job.")
    video_seconds: int = Field(3600, ge=1, le=3600, description="The same for one that makes a video.")
    invocation_ttl_seconds: int = Field(
        3600, ge=60, le=21600, description="How long an invocation may wait for an instance."
    )


class FinishedSettings(RetrySettings):
    """Settings of ``handlers.finished``."""

    bucket: str
    endpoint_name: str
    sockets_table: str
    ledger_table: str
    cache_days: int = Field(7, ge=0, description="How long a result is taken for the same job again; 0: never.")
    instance_usd_per_hour: float = Field(0.7364, ge=0)


class EndedSettings(EnvironmentSettings):
    """Settings of ``handlers.ended``."""

    ledger_table: str
    bucket: str
    event_bus: str
    dead_letter_queue_url: str


class SweepSettings(RetrySettings):
    """Settings of ``handlers.sweep``."""

    sockets_table: str
    queue_limit_seconds: int = Field(
        MAX_QUEUE_SECONDS, ge=1, description="Queued without any change for longer, a job fails."
    )


class GuardSettings(EnvironmentSettings):
    """Settings of ``handlers.guard``."""

    sockets_table: str
    endpoint_name: str
    variant_name: str
    max_instances: int = Field(4, ge=1)
    instance_usd_per_hour: float = Field(0.7364, ge=0)
    stop_usd: float = Field(100.0, gt=0, description="Spend of a UTC day at which every instance is taken away.")


class SocketSettings(JobsSettings):
    """Settings of ``handlers.socket``."""

    sockets_table: str
    bucket: str
    callback_url: str
    result_seconds: int = Field(3600, ge=60, le=43200, description="How long a presigned GET is good for.")


class PushSettings(EnvironmentSettings):
    """Settings of ``handlers.push``."""

    sockets_table: str
    bucket: str
    callback_url: str
    result_seconds: int = Field(3600, ge=60, le=43200, description="How long a presigned GET is good for.")


class AuthorizeSettings(EnvironmentSettings):
    """Settings of ``handlers.authorize``."""

    issuer: str
    client_id: str
    jwks_url: str
