"""The AWS clients: low-level ones, made once per process, with time limits that leave room to answer."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from handlers.settings import ClientSettings

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_sqs import SQSClient

PATIENT = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
    max_pool_connections=32,
)
# For work where somebody else waits: a socket that does not answer, a part that a health check asks.
BRIEF = PATIENT.merge(Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1}))


def dynamodb(config: Config = PATIENT) -> "DynamoDBClient":
    """The tables."""
    return boto3.client("dynamodb", config=config)


def sqs(config: Config = PATIENT) -> "SQSClient":
    """The queue of jobs."""
    return boto3.client("sqs", config=config)


def sagemaker(config: Config = PATIENT) -> "SageMakerClient":
    """The endpoint's state."""
    return boto3.client("sagemaker", config=config)


def sagemaker_runtime(config: Config = PATIENT) -> "SageMakerRuntimeClient":
    """The endpoint itself."""
    return boto3.client("sagemaker-runtime", config=config)


def s3(config: Config = PATIENT) -> "S3Client":
    """The bucket. Presigned URLs name it in the path at an emulator, and the region's own host in the cloud."""
    settings = ClientSettings.read()
    emulated = settings.aws_endpoint_url_s3 or settings.aws_endpoint_url
    style = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if emulated else "virtual", "us_east_1_regional_endpoint": "regional"},
    )
    return boto3.client("s3", config=config.merge(style))


def sockets(callback_url: str, config: Config = BRIEF) -> "ApiGatewayManagementApiClient":
    """The WebSocket API behind ``callback_url``, or behind the SDK's variable for it where the name is not ours."""
    url = ClientSettings.read().aws_endpoint_url_apigatewaymanagementapi or callback_url
    return boto3.client("apigatewaymanagementapi", endpoint_url=url, config=config)
