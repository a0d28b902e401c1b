"""Fixtures of the access tests: a guarded application that records requests, and botocore's signers as callers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import boto3
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from infra.local.access.guard import RequestGuard
from infra.local.access.keys import function_key, secrets_of
from infra.local.access.routes import EmulatorRoutes
from infra.local.access.signatures import Verifier

PORT = 4599
URL = f"http://127.0.0.1:{PORT}"
KEY, SECRET = "darkroom", "a random secret"
STUDIO = "http://127.0.0.1:4600"
FUNCTION = function_key(
    SECRET, "arn:aws:lambda:us-east-1:000000000000:function:api", "arn:aws:iam::000000000000:role/r"
)
ROOT = Credentials(KEY, SECRET)
ROLE = Credentials(FUNCTION.access_key_id, FUNCTION.secret_access_key, FUNCTION.session_token)


class Deployed:
    """One HTTP API, one WebSocket API, one user pool."""

    def protocol(self, api_id: str) -> Literal["HTTP", "WEBSOCKET"] | None:
        protocols: dict[str, Literal["HTTP", "WEBSOCKET"]] = {"1a2b": "HTTP", "3c4d": "WEBSOCKET"}
        return protocols.get(api_id)

    def has_pool(self, pool_id: str) -> bool:
        return pool_id == "us-east-1_pool"


@dataclass
class Guarded:
    """A client of a guarded application, and what came through to it."""

    client: TestClient
    bodies: list[bytes] = field(default_factory=list)
    headers: list[set[str]] = field(default_factory=list)

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        service: str = "lambda",
        credentials: Any = ROOT,
        **headers: str,
    ) -> Any:
        """The answer to a request that botocore signed."""
        request = AWSRequest(method=method, url=f"{URL}{path}", data=body, headers=headers)
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        signer(credentials, service, "us-east-1").add_auth(request)
        return self.client.request(method, path, content=body, headers=dict(request.headers.items()))


def client_of(service: str, credentials: Credentials = ROOT, **config: Any) -> Any:
    """A boto3 client that would ask the guarded application."""
    return boto3.client(
        service,  # type: ignore[call-overload]  # the stubs want each name literally
        endpoint_url=URL,
        region_name="us-east-1",
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
        config=Config(signature_version="s3v4" if service == "s3" else None, s3={"addressing_style": "path"}, **config),
    )


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    bodies: list[bytes] = []
    headers: list[set[str]] = []

    async def answer(request: Request) -> Response:
        bodies.append(await request.body())
        headers.append(set(request.headers))
        return Response("through", headers={"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"})

    async def accept(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("through")
        await socket.close()

    methods = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"]
    app = Starlette(routes=[Route("/{path:path}", answer, methods=methods), WebSocketRoute("/{path:path}", accept)])
    routes = EmulatorRoutes(Deployed())
    guard = RequestGuard(
        app,
        Verifier(secrets_of(KEY, SECRET)),
        port=PORT,
        opening=routes.opening,
        opens_socket=routes.opens_socket,
        origins=lambda: [STUDIO],
    )
    with TestClient(guard, base_url=URL) as client:
        yield Guarded(client, bodies, headers)
