"""AWS clients: low-level ones, created once per process, with timeouts that leave time to respond.

botocore only: importing boto3 would double the import time (s3transfer, resources), and none of it is used.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, cast

import botocore.session
from botocore.config import Config

from cloud.settings import AwsEndpointSettings, AwsRegionSettings

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

DEFAULT_CONFIG = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
    max_pool_connections=32,
    # Arguments come from our own code, and the service rejects invalid ones: client-side validation costs as much as
    # signing. S3 checksums are used only where requested; TLS protects the transfer.
    parameter_validation=False,
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
# For calls that others wait behind: sends to an unresponsive connection, and the components of a health check.
FAIL_FAST_CONFIG = DEFAULT_CONFIG.merge(
    Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1})
)
# For requests that wait for a language model's response.
LANGUAGE_MODEL_CONFIG = DEFAULT_CONFIG.merge(
    Config(connect_timeout=1, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 1})
)


def dynamodb(config: Config = DEFAULT_CONFIG) -> "DynamoDBClient":
    """Return a client of DynamoDB."""
    return cast("DynamoDBClient", _session().create_client("dynamodb", config=config))


def sns(config: Config = DEFAULT_CONFIG) -> "SNSClient":
    """Return a client of SNS, for the outcomes of the cpu lane."""
    return cast("SNSClient", _session().create_client("sns", config=config))


def sqs(config: Config = DEFAULT_CONFIG) -> "SQSClient":
    """Return a client of SQS."""
    return cast("SQSClient", _session().create_client("sqs", config=config))


def functions(config: Config = DEFAULT_CONFIG) -> "LambdaClient":
    """Return a client of Lambda, for the cpu lane's function."""
    return cast("LambdaClient", _session().create_client("lambda", config=config))


def sagemaker(config: Config = DEFAULT_CONFIG) -> "SageMakerClient":
    """Return a client of SageMaker, for the endpoint's state."""
    return cast("SageMakerClient", _session().create_client("sagemaker", config=config))


class ApplicationAutoScaling(Protocol):
    """The call of Application Auto Scaling in use."""

    def register_scalable_target(
        self,
        *,
        ServiceNamespace: str,  # noqa: N803 - boto3's own names
        ResourceId: str,  # noqa: N803
        ScalableDimension: str,  # noqa: N803
        MinCapacity: int = ...,  # noqa: N803
        MaxCapacity: int = ...,  # noqa: N803
        SuspendedState: Mapping[str, bool] = ...,  # noqa: N803
    ) -> dict[str, Any]:
        """Set the minimum and maximum number of instances, and which kinds of scaling are suspended."""


def application_autoscaling(config: Config = DEFAULT_CONFIG) -> ApplicationAutoScaling:
    """Return a client of Application Auto Scaling, for the endpoint's capacity limits."""
    return cast("ApplicationAutoScaling", _session().create_client("application-autoscaling", config=config))


def sagemaker_runtime(config: Config = DEFAULT_CONFIG) -> "SageMakerRuntimeClient":
    """Return a client of the SageMaker runtime, for invocations of the endpoint."""
    return cast("SageMakerRuntimeClient", _session().create_client("sagemaker-runtime", config=config))


class EventBus(Protocol):
    """The call of EventBridge in use."""

    def put_events(self, *, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's own names
        """Send up to ten events; the response has an error code for each rejected one."""


def eventbridge(config: Config = DEFAULT_CONFIG) -> EventBus:
    """Return a client of EventBridge."""
    return cast("EventBus", _session().create_client("events", config=config))


class BedrockRuntime(Protocol):
    """The call of the Bedrock runtime in use."""

    def converse(
        self,
        *,
        modelId: str,  # noqa: N803 - boto3's own names
        system: Sequence[Mapping[str, Any]],
        messages: Sequence[Mapping[str, Any]],
        inferenceConfig: Mapping[str, Any],  # noqa: N803
    ) -> dict[str, Any]:
        """Send messages to a model and return its response."""


def bedrock_runtime(config: Config) -> BedrockRuntime:
    """Return a client of the Bedrock runtime."""
    return cast("BedrockRuntime", _session().create_client("bedrock-runtime", config=config))


class Polly(Protocol):
    """The call of Polly in use."""

    def synthesize_speech(self, **request: Any) -> Mapping[str, Any]:
        """Synthesise speech from a text."""


def polly(config: Config = DEFAULT_CONFIG) -> Polly:
    """Return a client of Polly, which is billed per character."""
    return cast("Polly", _session().create_client("polly", config=config))


def s3(config: Config = DEFAULT_CONFIG) -> "S3Client":
    """Return a client of S3. Presigned URLs are path-style for an emulator, and use the regional host otherwise."""
    settings = AwsEndpointSettings.read()
    emulated = settings.aws_endpoint_url_s3 or settings.aws_endpoint_url
    style = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if emulated else "virtual", "us_east_1_regional_endpoint": "regional"},
    )
    return cast("S3Client", _session().create_client("s3", config=config.merge(style)))


def apigateway_management(callback_url: str, config: Config = FAIL_FAST_CONFIG) -> "ApiGatewayManagementApiClient":
    """Return a client of the WebSocket API at ``callback_url``, or at the SDK's endpoint variable, if set."""
    url = AwsEndpointSettings.read().aws_endpoint_url_apigatewaymanagementapi or callback_url
    client = _session().create_client("apigatewaymanagementapi", endpoint_url=url, config=config)
    return cast("ApiGatewayManagementApiClient", client)


def create_session() -> botocore.session.Session:
    """Return a new botocore session, in the region of ``AWS_DEFAULT_REGION`` or else ``AWS_REGION``."""
    session = botocore.session.get_session()
    # botocore reads the first only.
    if session.get_config_variable("region") is None and (region := AwsRegionSettings.read().aws_region):
        session.set_config_variable("region", region)
    return session


@cache
def _session() -> botocore.session.Session:
    # One session: its loader caches the service models, and credentials are fetched once.
    return create_session()
