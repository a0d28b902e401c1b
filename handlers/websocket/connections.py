"""WebSocket connections: sends messages to them, and closes those whose token has expired."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from pydantic import BaseModel

from darkroom.contract.errors import ErrorCode
from handlers.websocket.messages import ErrorMessage, SocketError

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient

# API Gateway closes with a code of its own, so the reason is sent as a message first.
TOKEN_EXPIRED = ErrorMessage(
    error=SocketError(
        code=ErrorCode.UNAUTHORIZED, message="The token of this connection has expired. Connect again with a new one."
    )
)


class ConnectionGone(Exception):
    """Raised when the connection has been closed."""


def send_to_connection(client: "ApiGatewayManagementApiClient", connection_id: str, message: BaseModel) -> None:
    """Send a message to a connection. Raises ``ConnectionGone``, or botocore's errors for transient failures."""
    try:
        client.post_to_connection(ConnectionId=connection_id, Data=message.model_dump_json().encode())
    except ClientError as error:
        if _is_gone(error):
            raise ConnectionGone(connection_id) from error
        raise


def close_expired_connection(client: "ApiGatewayManagementApiClient", connection_id: str) -> None:
    """Send ``TOKEN_EXPIRED`` and close the connection. A closed one stays closed. Raises botocore's errors."""
    try:
        send_to_connection(client, connection_id, TOKEN_EXPIRED)
        client.delete_connection(ConnectionId=connection_id)
    except ConnectionGone:
        return
    except ClientError as error:
        if not _is_gone(error):
            raise


def _is_gone(error: ClientError) -> bool:
    return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] == 410)
