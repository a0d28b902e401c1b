"""Errors of AWS calls that a deploy command cannot go on without, as one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from darkroom.client.errors import ClientError


@contextmanager
def aws_errors() -> Iterator[None]:
    """Raise ``ClientError`` (``aws_call_failed``) for an error of AWS. It names the call, which may be not allowed."""
    try:
        yield
    except (AwsError, BotoCoreError) as error:
        raise ClientError("aws_call_failed", sentence(error)) from error


def sentence(error: AwsError | BotoCoreError) -> str:
    """Return an error of AWS as text that begins with the call, where one was refused."""
    if isinstance(error, BotoCoreError):
        return str(error)
    reason = error.response["Error"]
    return f"{error.operation_name}: {reason.get('Message') or reason['Code']}"
