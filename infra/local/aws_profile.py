"""AWS profile of a local stack: a config file with its endpoint and root key for the aws CLI and the SDKs."""

from pathlib import Path

from infra.local import emulator
from infra.local.state import RootKey, write_private

FILE = "aws_config"
NAME = "darkroom"


def write(folder: Path, port: int) -> None:
    """Write the profile into the stack's folder; ``~/.aws`` is not touched."""
    key = RootKey.of(folder)
    lines = [
        f"[profile {NAME}]",
        f"region = {emulator.REGION}",
        f"endpoint_url = {emulator.address(port)}",
        f"aws_access_key_id = {key.access_key_id}",
        f"aws_secret_access_key = {key.secret_access_key}",
        "s3 =",
        "    signature_version = s3v4",
        "    addressing_style = path",
    ]
    write_private(folder / FILE, "\n".join(lines) + "\n")


def command(folder: Path, port: int) -> str:
    """Return the aws CLI's command line up to the service, such as ``s3 ls``.

    The endpoint is repeated because version 1 of the CLI would otherwise call AWS for SQS.
    """
    return f'AWS_CONFIG_FILE="{folder / FILE}" aws --profile {NAME} --endpoint-url {emulator.address(port)}'
