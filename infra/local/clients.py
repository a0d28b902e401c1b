"""Root clients of an emulator, with explicit settings: the caller's AWS configuration is ignored."""

from functools import cache
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from infra.local import emulator
from infra.local.state import RootKey


def sign(key: RootKey, method: str, url: str, body: bytes = b"") -> dict[str, str]:
    """Return the headers of a signed request to the stand-in's own routes, which no AWS client supports."""
    request = AWSRequest(method=method, url=url, data=body)
    SigV4Auth(Credentials(key.access_key_id, key.secret_access_key), "sagemaker", emulator.REGION).add_auth(request)
    return {name: str(value) for name, value in request.headers.items()}


class Clients:
    """Creates each client once: ``clients("s3")``. A call fails if it waits ``read_seconds`` for an answer.

    ``url`` is where the clients call, by default the emulator; the endpoint's stand-in has an address of its own.
    """

    def __init__(self, port: int, key: RootKey, *, url: str | None = None, read_seconds: float = 120) -> None:
        self._url = url or emulator.address(port)
        self._read_seconds = read_seconds
        # Service names are only known at run time, which the stubs' overloads do not support.
        self._session: Any = boto3.Session(
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            region_name=emulator.REGION,
        )
        self._make = cache(self._client)

    def __call__(self, service: str) -> Any:
        """Return a client of ``service`` (boto3's name)."""
        return self._make(service)

    def _client(self, service: str) -> Any:
        return self._session.client(
            service,
            endpoint_url=self._url,
            config=Config(
                proxies={},
                connect_timeout=5,
                read_timeout=self._read_seconds,
                retries={"total_max_attempts": 2},
                signature_version="s3v4" if service == "s3" else None,  # the default for presigned URLs is version 2
                s3={"addressing_style": "path"},
            ),
        )
