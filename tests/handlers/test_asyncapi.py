"""Committed AsyncAPI document: matches the messages of the WebSocket API, and refers to nothing that is missing."""

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from handlers.websocket import messages
from handlers.websocket.asyncapi import CLIENT_MESSAGES, FILE, SERVER_MESSAGES, asyncapi, text
from handlers.websocket.messages import Ping, SocketError, Subscribe, Unsubscribe, client_messages


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return found


def test_the_committed_document_is_up_to_date() -> None:
    assert FILE.read_text("utf-8") == text(), "run `make reference` and commit docs/asyncapi.json"


def test_every_message_model_is_a_message() -> None:
    models = {
        each
        for each in vars(messages).values()
        if isinstance(each, type) and issubclass(each, BaseModel) and each.__module__ == messages.__name__
    }
    described = {type(example) for example in (*CLIENT_MESSAGES.values(), *SERVER_MESSAGES.values())}
    assert described == models - {SocketError}


@pytest.mark.parametrize("name", SERVER_MESSAGES)
def test_a_server_message_has_the_name_of_its_type(name: str) -> None:
    model = type(SERVER_MESSAGES[name])
    assert get_args(model.model_fields["type"].annotation) == (name,)


def test_client_messages_are_received_and_are_what_the_api_accepts(document: dict[str, Any]) -> None:
    operations = {name: each for name, each in document["operations"].items() if each["action"] == "receive"}
    accepted = [get_args(model.model_fields["action"].annotation)[0] for model in (Subscribe, Unsubscribe, Ping)]
    assert list(operations) == accepted == list(CLIENT_MESSAGES)
    for name in operations:
        for example in document["components"]["messages"][name]["examples"]:
            assert client_messages.validate_python(example["payload"]) == CLIENT_MESSAGES[name]


def test_examples_of_server_messages_are_messages(document: dict[str, Any]) -> None:
    for name, message in SERVER_MESSAGES.items():
        for example in document["components"]["messages"][name]["examples"]:
            assert type(message).model_validate(example["payload"]) == message


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    for reference in _references(document):
        value = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in value, reference
            value = value[part]


def test_every_message_of_an_operation_is_one_of_its_channel(document: dict[str, Any]) -> None:
    for operation in document["operations"].values():
        channel = operation["channel"]["$ref"]
        replies = operation.get("reply", {}).get("messages", [])
        for message in [*operation["messages"], *replies]:
            assert message["$ref"].startswith(f"{channel}/messages/")


def test_sent_fields_are_required_and_received_ones_with_a_default_are_not() -> None:
    schemas = asyncapi()["components"]["schemas"]
    assert schemas["Job"]["required"] == list(schemas["Job"]["properties"])
    assert schemas["Subscribe"]["required"] == ["action", "job_id"]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for member in value:
            yield from _references(member)
