"""The AWS clients: low-level ones, made once per process, with time limits that leave room to answer.

botocore alone, because importing boto3 costs as much again (s3transfer, resources) and we use none of it.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, cast

import botocore.session
from botocore.config import Config

from cloud.settings import AwsEndpointSettings

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_sqs import SQSClient

DEFAULT_CONFIG = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
    max_pool_connections=32,
    # Our own code makes every argument, and the service refuses a wrong one: looking at each before every call costs
    # as much as signing it. S3's extra checksums are for where we ask for them; TLS guards the way.
    parameter_validation=False,
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
# Where somebody else waits meanwhile: behind a socket that does not answer, or a part that a health check asks.
FAIL_FAST_CONFIG = DEFAULT_CONFIG.merge(
    Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1})
)
# Where a caller waits for words.
LANGUAGE_MODEL_CONFIG = DEFAULT_CONFIG.merge(
    Config(connect_timeout=1, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 1})
)


def dynamodb(config: Config = DEFAULT_CONFIG) -> "DynamoDBClient":
    """The tables."""
    return cast("DynamoDBClient", _session().create_client("dynamodb", config=config))


def sqs(config: Config = DEFAULT_CONFIG) -> "SQSClient":
    """The queue of jobs."""
    return cast("SQSClient", _session().create_client("sqs", config=config))


def sagemaker(config: Config = DEFAULT_CONFIG) -> "SageMakerClient":
    """The endpoint's state."""
    return cast("SageMakerClient", _session().create_client("sagemaker", config=config))


class ApplicationAutoScaling(Protocol):
    """The one call of Application Auto Scaling that we make."""

    def register_scalable_target(
        self,
        *,
        ServiceNamespace: str,  # noqa: N803 - boto3's own names
        ResourceId: str,  # noqa: N803
        ScalableDimension: str,  # noqa: N803
        MinCapacity: int,  # noqa: N803
        MaxCapacity: int,  # noqa: N803
    ) -> dict[str, Any]:
        """Set how many instances there may be."""


def application_autoscaling(config: Config = DEFAULT_CONFIG) -> ApplicationAutoScaling:
    """The limits between which the endpoint's instances are scaled."""
    return cast("ApplicationAutoScaling", _session().create_client("application-autoscaling", config=config))


def sagemaker_runtime(config: Config = DEFAULT_CONFIG) -> "SageMakerRuntimeClient":
    """The endpoint itself."""
    return cast("SageMakerRuntimeClient", _session().create_client("sagemaker-runtime", config=config))


class EventBus(Protocol):
    """The one call of EventBridge that we make."""

    def put_events(self, *, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's own names
        """Send up to ten events; the answer says of each whether it was taken."""


def eventbridge(config: Config = DEFAULT_CONFIG) -> EventBus:
    """The bus of what happened."""
    return cast("EventBus", _session().create_client("events", config=config))


class BedrockRuntime(Protocol):
    """The one call of Bedrock that we make."""

    def converse(
        self,
        *,
        modelId: str,  # noqa: N803 - boto3's own names
        system: Sequence[Mapping[str, Any]],
        messages: Sequence[Mapping[str, Any]],
        inferenceConfig: Mapping[str, Any],  # noqa: N803
    ) -> dict[str, Any]:
        """Have a model answer."""


def bedrock_runtime(config: Config) -> BedrockRuntime:
    """The language models."""
    return cast("BedrockRuntime", _session().create_client("bedrock-runtime", config=config))


class Polly(Protocol):
    """The one call of Polly that we make."""

    def synthesize_speech(self, **request: Any) -> Mapping[str, Any]:
        """Have a text said."""


def polly(config: Config = DEFAULT_CONFIG) -> Polly:
    """What says scripts, by the character."""
    return cast("Polly", _session().create_client("polly", config=config))


def s3(config: Config = DEFAULT_CONFIG) -> "S3Client":
    """The bucket. Presigned URLs name it in the path at an emulator, and in the region's own host in the cloud."""
    settings = AwsEndpointSettings.read()
    emulated = settings.aws_endpoint_url_s3 or settings.aws_endpoint_url
    style = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if emulated else "virtual", "us_east_1_regional_endpoint": "regional"},
    )
    return cast("S3Client", _session().create_client("s3", config=config.merge(style)))


def apigateway_management(callback_url: str, config: Config = FAIL_FAST_CONFIG) -> "ApiGatewayManagementApiClient":
    """The WebSocket API behind ``callback_url``, or behind the SDK's variable for it where that name is not served."""
    url = AwsEndpointSettings.read().aws_endpoint_url_apigatewaymanagementapi or callback_url
    client = _session().create_client("apigatewaymanagementapi", endpoint_url=url, config=config)
    return cast("ApiGatewayManagementApiClient", client)


@cache
def _session() -> botocore.session.Session:
    # One session: its loader keeps the service models, and its credentials are fetched once.
    return botocore.session.get_session()
