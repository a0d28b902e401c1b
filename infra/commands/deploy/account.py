"""AWS account of an operator: credentials, region and clients, with the proxy that the SDK would use."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004

from cloud.settings import AwsRegionSettings
from darkroom.client import errors
from darkroom.client.errors import EnvironmentVariableError, UnreachableError
from infra.commands.aws_proxies import aws_proxies
from infra.commands.deploy.errors import sentence

# What STS answers to credentials that are wrong or have expired.
REJECTED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
SIGN_IN = "sign in (`aws sso login`, `aws configure`) or set AWS_PROFILE"


class AwsAccount:
    """An account and a region, and their clients: ``account.client("s3")``. Each client is made once."""

    def __init__(self, session: Any, account_id: str, arn: str) -> None:
        self.account_id = account_id
        self.arn = arn
        self.region: str = session.region_name
        self._session = session
        self.client = cache(self._client)

    def _client(self, service: str) -> Any:
        return make_client(self._session, service)


def open_account() -> AwsAccount:
    """Return the account of the environment's credentials.

    Raises ``EnvironmentVariableError`` without usable credentials or region, and ``ClientError`` (``unreachable``) if
    STS cannot be reached.
    """
    try:
        # The CDK reads AWS_REGION first, botocore AWS_DEFAULT_REGION only: the same deployment must be meant.
        session = boto3.Session(region_name=AwsRegionSettings.read().aws_region or None)
        if session.get_credentials() is None:
            raise EnvironmentVariableError("AWS credentials", f"were not found: {SIGN_IN}.")
        if session.region_name is None:
            raise EnvironmentVariableError("AWS_REGION", "is not set, and the profile has no region: set one of them.")
        identity = make_client(session, "sts").get_caller_identity()
    except ClientError as error:
        if error.response["Error"]["Code"] not in REJECTED:
            raise errors.ClientError("aws_call_failed", sentence(error)) from error
        raise EnvironmentVariableError("AWS credentials", f"were rejected or have expired: {SIGN_IN}.") from None
    except (ConnectionError, HTTPClientError) as error:
        raise UnreachableError(f"AWS cannot be reached: {error}") from error
    except BotoCoreError as error:
        raise EnvironmentVariableError("AWS credentials", f"cannot be used ({error}): {SIGN_IN}.") from None
    return AwsAccount(session, identity["Account"], identity["Arn"])


def make_client(session: Any, service: str) -> Any:
    """Return a client of a service. Raises ``EnvironmentVariableError`` for a proxy that the AWS SDK cannot use."""
    proxies = aws_proxies(session.client(service).meta.endpoint_url)
    config = Config(
        proxies=proxies,
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    return session.client(service, config=config)
