"""WebSocket session: executes the messages of a connection's client."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from cloud.observability import logger
from cloud.s3.presigner import Presigner
from darkroom.contract.errors import MAX_MESSAGE_CHARACTERS, ErrorCode
from handlers.websocket.connections import ConnectionGone, close_expired_connection, send_to_connection
from handlers.websocket.message_size import MAX_JOB_ID_CHARACTERS, job_message
from handlers.websocket.messages import (
    ErrorMessage,
    Ping,
    Pong,
    SocketError,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    client_messages,
)
from handlers.websocket.subscriptions import (
    MAX_SUBSCRIPTIONS,
    JobNotFound,
    Subscription,
    Subscriptions,
    TooManySubscriptions,
)

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient


@dataclass(frozen=True)
class Connection:
    """Connection that a message came over: its id, the owner, and the end of its token in epoch seconds."""

    connection_id: str
    owner: str
    token_expires_at: int | None

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> "Connection":
        """Return the connection of a ``requestContext``. Connections of version 0.2 have no end of a token."""
        authorizer = request["authorizer"]
        expires_at = authorizer.get("expires_at")
        return cls(request["connectionId"], authorizer["owner"], None if expires_at is None else int(float(expires_at)))

    @property
    def subscription(self) -> Subscription:
        """The connection's subscription, the same for every job."""
        return Subscription(self.connection_id, self.token_expires_at)


class WebSocketSession:
    """Handles the client messages of WebSocket connections."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        presigner: Presigner,
        api: "ApiGatewayManagementApiClient",
    ) -> None:
        self._subscriptions = subscriptions
        self._presigner = presigner
        self._api = api

    def handle_frame(self, connection: Connection, body: str, *, now: float) -> None:
        """Execute the message in ``body`` and send the reply. Close the connection if its token ended before ``now``
        (epoch seconds).
        """
        connection_id = connection.connection_id
        if connection.token_expires_at is not None and connection.token_expires_at <= now:
            close_expired_connection(self._api, connection_id)
            logger.info("token expired", connection_id=connection_id)
            return
        try:
            request = client_messages.validate_json(body)
        except ValidationError as error:
            self._send(connection_id, _error_message(body, error))
            return
        match request:
            case Subscribe():
                self._subscribe(connection, request)
            case Unsubscribe():
                self._subscriptions.remove(request.job_id, connection_id)
                self._send(connection_id, Unsubscribed(job_id=request.job_id))
            case Ping():
                self._send(connection_id, Pong())
        logger.info(request.action, connection_id=connection_id, job_id=getattr(request, "job_id", None))

    def _subscribe(self, connection: Connection, request: Subscribe) -> None:
        connection_id, job_id = connection.connection_id, request.job_id
        try:
            record = self._subscriptions.add(job_id, connection.owner, connection.subscription)
        except JobNotFound:
            self._refuse(connection_id, job_id, ErrorCode.NOT_FOUND, "You have no job with this id.")
        except TooManySubscriptions:
            message = f"{MAX_SUBSCRIPTIONS} connections are subscribed to this job. Close one, or ask GET /jobs/{{id}}."
            self._refuse(connection_id, job_id, ErrorCode.CONFLICT, message)
        else:
            if request.after_seq is not None and record.seq <= request.after_seq:
                self._send(connection_id, Subscribed(job_id=job_id, seq=record.seq))
            else:
                self._send(connection_id, job_message(record.public(self._presigner.get)))

    def _refuse(self, connection_id: str, job_id: str, code: ErrorCode, message: str) -> None:
        self._send(connection_id, ErrorMessage(error=SocketError(code=code, message=message), job_id=job_id))

    def _send(self, connection_id: str, message: BaseModel) -> None:
        try:
            send_to_connection(self._api, connection_id, message)
        except ConnectionGone:
            logger.info("connection has closed", connection_id=connection_id)


def _error_message(body: str, error: ValidationError) -> ErrorMessage:
    try:
        frame = json.loads(body)
    except (ValueError, RecursionError):
        frame = None
    job_id = frame.get("job_id") if isinstance(frame, dict) else None
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = ".".join(str(part) for part in problem["loc"])
    message = f"{path}: {problem['msg']}" if path else problem["msg"]
    return ErrorMessage(
        error=SocketError(code=ErrorCode.INVALID_REQUEST, message=message[:MAX_MESSAGE_CHARACTERS]),
        job_id=job_id if isinstance(job_id, str) and _can_be_repeated(job_id) else None,
    )


def _can_be_repeated(job_id: str) -> bool:
    """Return True for a text that is short, and has no half of a surrogate pair, which UTF-8 cannot encode."""
    return len(job_id) <= MAX_JOB_ID_CHARACTERS and job_id.isascii()
