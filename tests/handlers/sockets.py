"""Fake of API Gateway's management API of WebSocket connections."""

import json
from typing import Any

from botocore.exceptions import ClientError

from tests.aws_calls import note

# API Gateway's frame, and the unit that it bills: 32 kB, of a thousand bytes each to be on the safe side.
FRAME_BYTES = 32_000


class FakeSockets:
    """Records the messages posted to connections, none over ``FRAME_BYTES``; a connection can be closed or broken."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.closed: set[str] = set()
        self.broken: dict[str, int] = {}

    def post_to_connection(self, *, ConnectionId: str, Data: bytes) -> None:  # noqa: N803 - boto3's own names
        note("apigatewaymanagementapi", "PostToConnection", {"ConnectionId": ConnectionId})
        if ConnectionId in self.closed:
            raise _http_error(410, "GoneException")
        if self.broken.get(ConnectionId, 0) > 0:
            self.broken[ConnectionId] -= 1
            raise _http_error(500, "InternalServerError")
        assert len(Data) <= FRAME_BYTES, f"{len(Data)} bytes: {Data[:100]!r}"
        self.posted.append((ConnectionId, json.loads(Data)))

    def delete_connection(self, *, ConnectionId: str) -> None:  # noqa: N803 - boto3's own names
        note("apigatewaymanagementapi", "DeleteConnection", {"ConnectionId": ConnectionId})
        if ConnectionId in self.closed:
            raise _http_error(410, "GoneException")
        if self.broken.get(ConnectionId, 0) > 0:
            self.broken[ConnectionId] -= 1
            raise _http_error(500, "InternalServerError")
        self.closed.add(ConnectionId)

    def received(self, connection_id: str) -> list[dict[str, Any]]:
        """Return the messages posted to a connection, in order."""
        return [message for to, message in self.posted if to == connection_id]


def _http_error(status: int, code: str) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "PostToConnection",
    )
