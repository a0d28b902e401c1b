"""Configuration of a deployment: the validated ``-c key=value`` context of the CDK app."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from cloud.lane import RESERVE_SECONDS, Lane, PreviewOn, lane_of
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from handlers.limits import rates
from infra.context_values import https_url, json_object, number, stage_name, web_origins, words
from infra.instance_types import check_gpu, check_known_or_given, check_machine_image, list_price, machine_image
from infra.prices import lambda_price
from pipeline.weights.catalog import choose_models


class ConfigError(ValueError):
    """Raised for an invalid context; the message names every wrong key."""


class Config(BaseModel):
    """Options of a deployment, with defaults. Times are in seconds unless the name says days.

    >>> Config.read({"stage": "test", "upload_seconds": "60"}).upload_seconds
    60
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    stage: Annotated[str, AfterValidator(stage_name)] = Field(
        "main", pattern=r"^[a-z][a-z0-9-]{0,19}$", description="Names the stacks: darkroom-<stage>."
    )
    local: bool = Field(
        False, description="Synthesize for the emulator on this machine: no layer, no stack but the core."
    )
    destroy: bool = Field(False, description="Delete pictures and jobs together with the stack; they stay otherwise.")

    issuer: Annotated[str, AfterValidator(https_url)] | None = Field(
        None,
        description="OIDC issuer to trust instead of the stack's own Cognito pool: exactly as in its tokens' `iss`, "
        "which may end in a slash.",
    )
    audience: str | None = Field(None, description="Client id in the issuer's tokens.")
    jwks_url: Annotated[str, AfterValidator(https_url)] | None = Field(
        None, description="The issuer's keys; the address in its discovery document if left out."
    )
    origins: Annotated[list[str], BeforeValidator(words), AfterValidator(web_origins)] = Field(
        ["*"], min_length=1, description="Web origins that may call the API and upload, comma-separated."
    )

    studio: bool = Field(True, description="Deploy the studio, a web page for people, behind CloudFront.")
    studio_domain: str | None = Field(
        None, pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$", description="Custom domain name of the studio."
    )
    studio_certificate: str | None = Field(
        None,
        pattern=r"^arn:aws[a-z-]*:acm:us-east-1:\d{12}:certificate/.+$",
        description="ARN of the domain's certificate in ACM, in us-east-1.",
    )

    default_engine: Engine = Field(Engine.PREVIEW, description="The engine of requests that name none.")
    instance_type: Annotated[str, AfterValidator(check_gpu)] = Field(
        "ml.g4dn.xlarge", pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$", description="Instance type of the endpoint."
    )
    # Both are required for a type without a known value: see check_known_or_given.
    instance_usd_per_hour: float = Field(
        default_factory=lambda given: list_price(given["instance_type"]) or 0.0,
        ge=0,
        description="Price from which each job's cost_usd is computed; the type's list price in us-east-1.",
    )
    inference_ami: Annotated[str, AfterValidator(check_machine_image)] = Field(
        # SageMaker's default image of g4dn has driver 470, which cannot run CUDA 13.
        default_factory=lambda given: machine_image(given["instance_type"]) or "",
        pattern=r"^[a-z0-9-]+$",
        description="SageMaker's machine image: its driver must fit the container's CUDA.",
    )
    model_data: str | None = Field(
        None, description="Prefix printed by `darkroom models push`; without it, the models engine has no weights."
    )
    model_data_key: str | None = Field(
        None,
        pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$",
        description="ARN of the KMS key that encrypts model_data; the container's role may decrypt with it.",
    )
    models: Annotated[dict[str, str], BeforeValidator(json_object)] = Field(
        {}, description='Other models than the default ones: {"detector": "rt-detr-r18"}.'
    )
    accept_research_licence: bool = Field(
        False,
        description="Use models whose licence allows non-commercial research only (faces are swapped, portraits are "
        "animated by them): you state that yours is.",
    )
    speech: Literal["espeak", "polly"] = Field(
        "espeak",
        description="Speech synthesis: espeak-ng in the container, or Amazon Polly, charged by character.",
    )
    preload: Annotated[list[Kind], BeforeValidator(words)] = Field(
        [Kind.RESTYLE_ROOM],
        description="Kinds whose networks an instance loads as it starts, comma-separated; the GPU does not hold all.",
    )
    max_instances: int = Field(10, ge=1, le=100)
    jobs_per_instance: int = Field(2, ge=1, le=64, description="Jobs in flight in one container.")
    image: str | None = Field(None, description="URI of a container image in ECR; built from containers/ if left out.")

    preview_on: PreviewOn = Field(
        PreviewOn.LAMBDA, description="Where the preview engine runs: a Lambda function (`lambda`), or the endpoint."
    )
    cpu_image: str | None = Field(
        None, description="URI of an image of the cpu lane in ECR; built from containers/ if left out."
    )
    cpu_architecture: Literal["arm64", "x86_64"] = Field(
        "arm64", description="Processor of the cpu lane, which its image is built for."
    )
    cpu_memory_mb: int = Field(
        3008, ge=512, le=10_240, description="Memory of the cpu lane; new accounts have 3,008 MB at most."
    )
    cpu_timeout_seconds: int = Field(900, ge=60, le=900, description="Time limit of the cpu lane's function.")
    cpu_event_seconds: int = Field(
        300, ge=60, le=21_600, description="Time limit of an attempt's wait for the cpu lane's concurrency."
    )
    cpu_concurrency: int | None = Field(
        None, ge=1, description="Most jobs at a time on the cpu lane, reserved of the account's; no limit if left out."
    )
    drafts: bool = Field(
        True, description="While the GPU wakes, the cpu lane makes a draft of each picture job of the models engine."
    )
    cpu_usd_per_gb_second: float = Field(
        default_factory=lambda given: lambda_price(given["cpu_architecture"]),
        ge=0,
        description="Price from which a preview's cost_usd is computed; the list price of the architecture.",
    )

    upload_seconds: int = Field(900, ge=60, le=3600, description="Validity of an upload form.")
    invocation_seconds: int = Field(900, ge=1, le=3600, description="Time limit of one attempt.")
    video_seconds: int = Field(3600, ge=1, le=3600, description="Time limit of one attempt at a video.")
    invocation_ttl_seconds: int = Field(
        3600, ge=60, le=21_600, description="Time limit of an attempt's wait for an instance."
    )
    retry_delay_seconds: int = Field(
        5, ge=0, le=300, description="Delay before the second attempt; doubles afterwards."
    )
    queue_seconds: int = Field(120, ge=1, le=86_400, description="A job queued for longer is sent to the queue again.")
    queue_limit_seconds: int = Field(21_600, ge=1, le=86_400, description="A job queued for longer fails.")
    look_seconds: int = Field(15, ge=0, le=300, description="Minimum time between two checks for a cold start.")

    retention_days: int = Field(30, ge=1, le=3650, description="Days that results and job rows are kept.")
    upload_days: int = Field(7, ge=1, le=3650)
    preview_days: int = Field(1, ge=1, le=3650)
    log_days: Annotated[Literal[1, 3, 5, 7, 14, 30, 60, 90, 180, 365], BeforeValidator(number)] = 30
    tracing: bool = Field(
        False, description="Trace functions in X-Ray: the first of a second and one in twenty, $5 a million traces."
    )
    gateway_log_role: bool = Field(
        True,
        description="Set API Gateway's log role, one for an account and region; false keeps another stack's.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    rate_limits: Annotated[dict[str, str], BeforeValidator(json_object), AfterValidator(rates.validate_overrides)] = (
        Field(
            {}, description='Other limits per owner than the default ones: {"generate": "10/60"} is ten in 60 seconds.'
        )
    )
    owner_daily_usd: float = Field(10.0, ge=0, description="Cost limit of one owner's jobs per UTC day; 0: no limit.")
    cache_days: int = Field(
        default_factory=lambda given: min(7, given["retention_days"]),
        ge=0,
        le=3650,
        description="Days that a result is reused for equal jobs; 0: never.",
    )
    bedrock_model: str = Field(
        "", pattern=r"^[A-Za-z0-9.:/_-]*$", description="Bedrock model that enhances prompts; by rules if left out."
    )
    requests_per_second: int = Field(100, ge=1, description="Request rate above which the API responds 429.")
    daily_usd: float = Field(50.0, gt=0, description="GPU spend per UTC day that raises an alarm.")
    stop_usd: float = Field(
        default_factory=lambda given: 2 * given["daily_usd"],
        description="GPU spend per UTC day that stops the GPU until midnight.",
    )
    alarm_email: str | None = Field(
        None, pattern=r"^[^@\s]+@[^@\s]+$", description="Email address that gets every alarm."
    )

    @model_validator(mode="after")
    def _issuer_with_audience(self) -> Self:
        if (self.issuer is None) != (self.audience is None):
            raise ValueError("issuer and audience go together")
        if self.jwks_url and not self.issuer:
            raise ValueError("jwks_url needs an issuer")
        return self

    @model_validator(mode="after")
    def _domain_with_certificate(self) -> Self:
        if (self.studio_domain is None) != (self.studio_certificate is None):
            raise ValueError("studio_domain and studio_certificate go together")
        return self

    @model_validator(mode="after")
    def _machines_and_their_models(self) -> Self:
        check_known_or_given(self.instance_type, self.model_fields_set)
        if self.model_data_key and not self.model_data:
            raise ValueError("model_data_key needs model_data")
        return self

    @model_validator(mode="after")
    def _known_models(self) -> Self:
        choose_models(tuple(self.models), self.models)
        return self

    @model_validator(mode="after")
    def _alarm_before_stop(self) -> Self:
        if self.stop_usd < self.daily_usd:
            raise ValueError(f"stop_usd ({self.stop_usd:g}) is below daily_usd ({self.daily_usd:g})")
        return self

    @model_validator(mode="after")
    def _times_in_order(self) -> Self:
        if self.cache_days > self.retention_days:
            raise ValueError(f"cache_days ({self.cache_days}) is above retention_days ({self.retention_days})")
        if self.queue_limit_seconds < self.queue_seconds:
            raise ValueError(
                f"queue_limit_seconds ({self.queue_limit_seconds}) is below queue_seconds ({self.queue_seconds})"
            )
        return self

    @property
    def stack_name(self) -> str:
        """Name of the core stack; the other stacks append ``-gpu`` and ``-studio``."""
        return f"darkroom-{self.stage}"

    @property
    def endpoint_name(self) -> str:
        """Name of the endpoint, known to the core stack without a reference to the GPU stack.

        It has the instance type: SageMaker cannot change that of a scaled variant, so another type is another endpoint.
        """
        if self.local:
            return self.stack_name
        return f"{self.stack_name}-{self.instance_type.removeprefix('ml.').replace('.', '-')}"

    @property
    def cpu_seconds(self) -> int:
        """Time limit of an attempt on the cpu lane, which leaves time to announce its end."""
        return self.cpu_timeout_seconds - RESERVE_SECONDS

    @property
    def reported_engines(self) -> list[Engine]:
        """Engines whose digests the GPU container writes: those of the cpu lane come from there."""
        return [engine for engine in Engine if lane_of(engine, self.preview_on) is Lane.GPU]

    @property
    def cpu_usd_per_hour(self) -> float:
        """Price of an hour of the cpu lane's function, with its memory."""
        return round(self.cpu_memory_mb / 1024 * self.cpu_usd_per_gb_second * 3600, 6)

    @classmethod
    def read(cls, context: Mapping[str, Any]) -> Self:
        """Return the config of a CDK context, ignoring the toolkit's own keys.

        Raises ``ConfigError`` naming each wrong key and its allowed values.
        """
        ours = {key: value for key, value in context.items() if not any(mark in key for mark in ":@/")}
        for key in ours.keys() - cls.model_fields.keys():
            close = get_close_matches(key, cls.model_fields, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(cls.model_fields)}."
            raise ConfigError(f"unknown context key {key!r}; {hint}")
        try:
            return cls.model_validate(ours)
        except ValidationError as error:
            lines = [
                f"context {'.'.join(map(str, e['loc'])) or 'value'}: {e['msg']} (got {e['input']!r})"
                if e["loc"]
                else e["msg"]
                for e in error.errors()
                if e["type"] != "default_factory_not_called"  # follows from another error
            ]
            raise ConfigError("; ".join(lines)) from None
