"""The AsyncAPI 3 document of the WebSocket API, generated from its messages.

``python -m handlers.websocket.asyncapi`` prints it, ``--write`` saves it as ``docs/asyncapi.json``.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import core_schema

from darkroom.contract.engine import Engine
from darkroom.contract.errors import ErrorCode
from darkroom.contract.jobs import Job, State
from darkroom.contract.kinds import Kind
from darkroom.contract.version import installed_version
from handlers.description_file import as_text, print_or_write
from handlers.websocket.messages import (
    ErrorMessage,
    JobMessage,
    Ping,
    Pong,
    SocketError,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)

FILE = Path(__file__).parents[2] / "docs" / "asyncapi.json"
JOB_ID = "4f1c8d2e9b7a40635c1d8e2f9a0b4c7d"
NOT_FOUND = SocketError(code=ErrorCode.NOT_FOUND, message="You have no job with this id.")

DESCRIPTION = """\
Updates of jobs while they run. Open a WebSocket to the `socket_url` of `GET /config`, with `?token=` and an access
token, and subscribe to jobs by their id. The answer is the job's current state; each change follows as a message.

Delivery is at least once and may skip states: the newest `seq` wins. After a reconnection, subscribe again with the
last `seq` as `after_seq`. The connection is closed after ten minutes without a message, and after two hours.
No message is longer than 32 kB: what a job's message leaves out is named in `omitted`, and `GET /jobs/{id}` has it.
A handshake without a valid access token is refused with 401 or 403. An ID token is none.

When the token expires, the error `unauthorized` without a `job_id` is sent and the connection is closed, with the next
message or change of a job. Connect again with a new token, and subscribe with the last `seq`.

A job has a limited number of subscriptions. One more is answered with the error `conflict`.
"""

_created_at = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
_job = Job(
    job_id=JOB_ID,
    kind=Kind.RESTYLE_ROOM,
    state=State.RUNNING,
    seq=4,
    attempt=1,
    progress=0.4,
    stage="layout",
    message="Measuring the room",
    engine=Engine.PREVIEW,
    params={"style": "japandi", "seed": 7},
    uploads={"photo": {"content_type": "image/jpeg", "received": True}},
    created_at=_created_at,
    updated_at=_created_at,
)
# name → example, whose class describes the message.
CLIENT_MESSAGES: Mapping[str, BaseModel] = {
    "subscribe": Subscribe(action="subscribe", job_id=JOB_ID, after_seq=3),
    "unsubscribe": Unsubscribe(action="unsubscribe", job_id=JOB_ID),
    "ping": Ping(action="ping"),
}
SERVER_MESSAGES: Mapping[str, BaseModel] = {
    "job": JobMessage(job=_job),
    "subscribed": Subscribed(job_id=JOB_ID, seq=4),
    "unsubscribed": Unsubscribed(job_id=JOB_ID),
    "pong": Pong(),
    "error": ErrorMessage(error=NOT_FOUND, job_id=JOB_ID),
}
REPLIES: Mapping[str, tuple[str, ...]] = {
    "subscribe": ("job", "subscribed", "error"),
    "unsubscribe": ("unsubscribed", "error"),
    "ping": ("pong", "error"),
}


class MessageSchemaGenerator(GenerateJsonSchema):
    """JSON schema generator for which every field of a sent message is required, as messages are sent in full."""

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        """Return True for required fields of received messages, and for all fields of sent ones."""
        return self.mode == "serialization" or super().field_is_required(field, total)

    def tuple_schema(self, schema: core_schema.TupleSchema) -> dict[str, Any]:
        """Describe positions by ``items``: AsyncAPI's schemas are of draft 7, which has no ``prefixItems``."""
        found = super().tuple_schema(schema)
        return {"items" if name == "prefixItems" else name: value for name, value in found.items()}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        """Leave out defaults that are null, as the OpenAPI document does."""
        found = super().default_schema(schema)
        return {name: value for name, value in found.items() if name != "default" or value is not None}


def asyncapi() -> dict[str, Any]:
    """Return the document."""
    messages = {**CLIENT_MESSAGES, **SERVER_MESSAGES}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Darkroom WebSocket API",
            "version": installed_version(),
            "description": DESCRIPTION,
            "license": {"name": "Apache 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {"socket": _channel(messages)},
        "operations": {**{name: _receive(name) for name in CLIENT_MESSAGES}, "jobChanged": _send("job")},
        "components": {
            "messages": {name: _message(name, example) for name, example in messages.items()},
            "schemas": _schemas(),
            "securitySchemes": {
                "token": {
                    "type": "httpApiKey",
                    "in": "query",
                    "name": "token",
                    "description": "An access token of the issuer in `GET /config`.",
                }
            },
        },
    }


def _servers() -> dict[str, Any]:
    security = [{"$ref": "#/components/securitySchemes/token"}]
    return {
        "aws": {
            "host": "{api_id}.execute-api.{region}.{suffix}",
            "pathname": "/{stage}",
            "protocol": "wss",
            "description": "A deployment on AWS; `socket_url` of `GET /config` is its whole address.",
            "variables": {
                "api_id": {"default": "abc", "description": "The id of the deployment's WebSocket API."},
                "region": {"default": "us-east-1", "description": "The deployment's AWS region."},
                "suffix": {"default": "amazonaws.com", "description": "`amazonaws.com.cn` in China."},
                "stage": {"default": "live", "description": "The stage of the WebSocket API."},
            },
            "security": security,
        },
        "local": {
            "host": "127.0.0.1:{port}",
            "pathname": "/_aws/execute-api/{api_id}/{stage}",
            "protocol": "ws",
            "description": "The local stack; `socket_url` of `GET /config` is its whole address.",
            "variables": {
                "port": {"default": "4566", "description": "The port of the local stack."},
                "api_id": {"default": "abc", "description": "The id of the stack's WebSocket API."},
                "stage": {"default": "live", "description": "The stage of the WebSocket API."},
            },
            "security": security,
        },
    }


def _channel(messages: Mapping[str, BaseModel]) -> dict[str, Any]:
    query = {
        "type": "object",
        "properties": {"token": {"type": "string", "description": "An access token."}},
        "required": ["token"],
    }
    return {
        "address": "/",
        "description": "One connection, for any number of jobs. Each message is one text frame of JSON.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"ws": {"method": "GET", "query": query, "bindingVersion": "0.1.0"}},
    }


def _receive(name: str) -> dict[str, Any]:
    return {
        "action": "receive",
        "channel": {"$ref": "#/channels/socket"},
        "summary": _summary(CLIENT_MESSAGES[name]),
        "messages": [{"$ref": f"#/channels/socket/messages/{name}"}],
        "reply": {
            "channel": {"$ref": "#/channels/socket"},
            "messages": [{"$ref": f"#/channels/socket/messages/{reply}"} for reply in REPLIES[name]],
        },
    }


def _send(name: str) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": "#/channels/socket"},
        "summary": "A subscribed job changed. The message of a terminal state is the last one of the job.",
        "messages": [{"$ref": f"#/channels/socket/messages/{name}"}],
    }


def _message(name: str, example: BaseModel) -> dict[str, Any]:
    return {
        "name": name,
        "title": type(example).__name__,
        "summary": _summary(example),
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{type(example).__name__}"},
        "examples": [{"name": name, "payload": example.model_dump(mode="json")}],
    }


def _summary(example: BaseModel) -> str:
    return (type(example).__doc__ or "").strip()


def _schemas() -> dict[str, Any]:
    received: list[tuple[type[BaseModel], Literal["validation", "serialization"]]]
    received = [(type(example), "validation") for example in CLIENT_MESSAGES.values()]
    received += [(type(example), "serialization") for example in SERVER_MESSAGES.values()]
    _, schema = models_json_schema(
        received, ref_template="#/components/schemas/{model}", schema_generator=MessageSchemaGenerator
    )
    found: dict[str, Any] = schema["$defs"]
    return found


def text() -> str:
    """Return the document as committed."""
    return as_text(asyncapi())


def main() -> None:
    """Print the document, or write it."""
    print_or_write(FILE, text, __doc__)


if __name__ == "__main__":
    main()
