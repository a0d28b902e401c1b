"""Role credentials of the instances, served as ECS and SageMaker do: the SDK fetches and renews them."""

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

PATH = "/_credentials"
OTHER_SOURCES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
)


class RoleCredentials:
    """Sessions of ``role_arn``. Thread-safe."""

    def __init__(self, role_arn: str, sts: "STSClient", url: str) -> None:
        self._role_arn = role_arn
        self._sts = sts
        self._url = url
        self._token = secrets.token_urlsafe(32)

    def environment(self) -> dict[str, str | None]:
        """Return the variables for fetching these credentials; None unsets a variable of another source."""
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": self._url + PATH,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": self._token,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_CONFIG_FILE": os.devnull,
            **dict.fromkeys(OTHER_SOURCES),
        }

    def allows(self, authorization: str) -> bool:
        """Return True if the caller is one of our containers."""
        return secrets.compare_digest(authorization.encode(), self._token.encode())

    def session(self) -> dict[str, str]:
        """Return a new session in the SDK's format. Raises ``ClientError`` when the role may not be assumed."""
        credentials = self._sts.assume_role(RoleArn=self._role_arn, RoleSessionName="container")["Credentials"]
        return {
            "AccessKeyId": credentials["AccessKeyId"],
            "SecretAccessKey": credentials["SecretAccessKey"],
            "Token": credentials["SessionToken"],
            "Expiration": credentials["Expiration"].isoformat(),
        }
