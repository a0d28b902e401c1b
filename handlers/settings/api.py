"""Settings of ``handlers.api``."""

from typing import Annotated

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field
from pydantic_core import from_json

from darkroom.contract.engine import Engine
from handlers.limits import rates
from handlers.settings.jobs import JobsSettings
from handlers.settings.lane import LaneSettings, TimeLimitSettings
from handlers.settings.prices import PriceSettings


class ApiSettings(JobsSettings, TimeLimitSettings, LaneSettings, PriceSettings):
    """Settings of ``handlers.api``."""

    bucket: str
    queue_url: str
    endpoint_name: str
    cpu_function: str = Field("", description="Name of the cpu lane's function; empty if the deployment has none.")
    issuer: str
    client_id: str
    socket_url: str
    default_engine: Engine = Field(Engine.PREVIEW, description="Engine of requests that name none.")
    ledger_table: str
    assets_table: str
    rate_limits: Annotated[dict[str, str], BeforeValidator(from_json), AfterValidator(rates.validate_overrides)] = (
        Field({}, description="JSON: kind (or `prompts`, `assets`, `default`) → `10/60`: ten in 60 seconds.")
    )
    owner_daily_usd: float = Field(
        10.0, ge=0, description="Largest cost of one owner's jobs in a UTC day; 0: no limit."
    )
    cache_days: int = Field(7, ge=0, description="Days for which a result is reused for an identical job; 0: never.")
    queue_seconds: int = Field(120, ge=1, description="Time in the queue after which a job's message is sent again.")
    bedrock_model: str = Field("", description="Model or inference profile that enhances prompts; empty: rules only.")
    aws_region: str = Field("us-east-1", validation_alias=AliasChoices("aws_region", "aws_default_region"))
    upload_seconds: int = Field(900, ge=60, le=3600, description="Validity of a presigned POST.")
    result_seconds: int = Field(3600, ge=60, le=43200, description="Validity of a presigned GET.")
    retention_days: int = Field(30, ge=1)
