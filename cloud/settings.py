"""Base of typed settings, and the settings of the AWS clients."""

from typing import Self

from pydantic_settings import BaseSettings, SettingsConfigDict


class EnvironmentSettings(BaseSettings):
    """Settings that a process reads from its environment: a field's variable is its name in upper case."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, defer_build=True)

    @classmethod
    def environment(cls, **fields: object) -> dict[str, str]:
        """The environment of a process with these settings, for the stack that deploys it.

        Values may be unresolved tokens (strings). Raises ``TypeError`` for a name that these settings do not have and
        for a required one left out, so that a wrong name fails at synth and not in the cloud.

        >>> AwsEndpointSettings.environment(aws_endpoint_url="http://127.0.0.1:4566")
        {'AWS_ENDPOINT_URL': 'http://127.0.0.1:4566'}
        """
        unknown = sorted(set(fields) - set(cls.model_fields))
        missing = sorted(name for name, field in cls.model_fields.items() if field.is_required() and name not in fields)
        if unknown or missing:
            raise TypeError(f"{cls.__name__}: unknown {unknown}, missing {missing}")
        return {name.upper(): str(value) for name, value in fields.items()}

    @classmethod
    def read(cls) -> Self:
        """These settings from the environment. Raises ``ValidationError`` naming what is missing or wrong."""
        return cls()


class AwsEndpointSettings(EnvironmentSettings):
    """Endpoints of AWS: the SDK's own variables, read to choose addressing styles. ``infra`` sets none in the cloud."""

    aws_endpoint_url: str | None = None
    aws_endpoint_url_s3: str | None = None
    aws_endpoint_url_apigatewaymanagementapi: str | None = None
