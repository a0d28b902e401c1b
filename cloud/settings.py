"""Base class of typed settings, and endpoint settings of the AWS clients.

Plain pydantic: importing pydantic-settings, for files and command lines too, is a tenth of a function's cold start.
"""

import os
from typing import Self

from pydantic import BaseModel, ConfigDict


class EnvironmentSettings(BaseModel):
    """Settings read from the environment: a field's variable is its name in upper case."""

    # An error must not show the environment, which has credentials.
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True, hide_input_in_errors=True)

    @classmethod
    def environment(cls, **fields: object) -> dict[str, str]:
        """Return these settings as environment variables, for the stack that deploys the process.

        Values may be unresolved tokens (strings). Raises ``TypeError`` for unknown names and missing required ones, so
        that mistakes fail at synth and not in the cloud.

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
        """Read the settings from the environment. Raises ``ValidationError`` naming missing or invalid ones."""
        return cls.model_validate({name.lower(): value for name, value in os.environ.items()})


class AwsEndpointSettings(EnvironmentSettings):
    """AWS endpoint overrides: the SDK's own variables, read to choose addressing styles. ``infra`` sets none in the
    cloud.
    """

    aws_endpoint_url: str | None = None
    aws_endpoint_url_s3: str | None = None
    aws_endpoint_url_apigatewaymanagementapi: str | None = None


class AwsRegionSettings(EnvironmentSettings):
    """Region of the AWS clients where botocore's own variable, ``AWS_DEFAULT_REGION``, is not set."""

    aws_region: str | None = None
