"""AWS inside this process: moto, with clients that are created once for all tests."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
import botocore.session
import moto.core.models
import moto.core.responses
import pytest
from botocore.config import Config
from moto import mock_aws
from moto.core.model import StructureShape
from moto.core.serialize import AttributePickerContext, JSONSerializer, XFormedAttributePicker
from moto.dynamodb.responses import DynamoHandler

from cloud import clients
from tests import aws_calls


class _CachedSession:
    """Creates each client once, because that takes longer than most tests. The backend is moto's, new for each test."""

    def __init__(self) -> None:
        self._session = botocore.session.get_session()
        aws_calls.record_calls_of(self._session)
        self._clients: dict[object, Any] = {}

    def create_client(self, service: str, *, config: Config, endpoint_url: str | None = None) -> Any:
        environment = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))
        key = (service, endpoint_url, environment, repr(sorted(vars(config).items(), key=str)))
        if key not in self._clients:
            client = self._session.create_client(service, config=config, endpoint_url=endpoint_url)
            if service == "s3":
                _record_forms(client)
            self._clients[key] = client
        return self._clients[key]


def _record_forms(client: Any) -> None:
    """Record presigned forms as the call that they allow: botocore's event of a form lacks the key."""
    presign = client.generate_presigned_post

    def presign_and_note(bucket: str, key: str, **options: Any) -> Any:
        aws_calls.note("s3", "PutObject", {"Bucket": bucket, "Key": key})
        return presign(bucket, key, **options)

    client.generate_presigned_post = presign_and_note


class _ItemPicker(XFormedAttributePicker):
    """Picks members of DynamoDB's results by AWS's own names.

    moto looks for each absent member under its other possible names, which takes half of the time of a read.
    """

    def __call__(self, context: AttributePickerContext) -> Any:
        if type(context.obj) is dict and context.service_model and context.service_model.service_name == "dynamodb":
            return context.obj.get(context.key)
        return super().__call__(context)


_serialize_structure = JSONSerializer._serialize_type_structure


def _serialize_value(
    serializer: JSONSerializer, serialized: dict[str, Any], value: Any, shape: StructureShape, key: str
) -> None:
    """Serialize a structure. A value of DynamoDB is JSON already, where moto looks for a member of every type."""
    if shape.name == "AttributeValue":
        serializer._default_serialize(serialized, _plain(value), shape, key)
    else:
        _serialize_structure(serializer, serialized, value, shape, key)


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    ((kind, content),) = value.items()
    match kind:
        case "M":
            return {kind: {name: _plain(member) for name, member in content.items()}}
        case "L":
            return {kind: [_plain(member) for member in content]}
        case "S" | "N":
            return {kind: str(content)}
        case _:
            return value


# moto asks for the methods of a service's class at every call, and finds them by looking at each member.
_method_names = cache(moto.core.responses.method_names_from_class)

# Created after the import of moto, which else would not see its calls.
_SESSION = _CachedSession()


@contextmanager
def fake_aws() -> Iterator[None]:
    """Answer AWS calls by moto. It handles one call of DynamoDB at a time: threads lose no write to each other.

    Calls of functions and container that ``tests/data/aws_calls.json`` lacks raise ``AssertionError`` at the end.
    """
    lock = threading.RLock()
    call_action = DynamoHandler.call_action

    def locked(handler: DynamoHandler) -> object:
        with lock:
            return call_action(handler)

    with aws_calls.held_to_the_record(), pytest.MonkeyPatch.context() as patch:
        # Answers to requests' HTTP calls, of which there are none: 1,300 for each start of moto.
        patch.setattr(moto.core.models, "RESPONSES_METHODS", [])
        patch.setattr(moto.core.responses, "method_names_from_class", _method_names)
        patch.setattr(moto.core.responses, "XFormedAttributePicker", _ItemPicker)
        patch.setattr(JSONSerializer, "_serialize_type_structure", _serialize_value)
        patch.setattr(DynamoHandler, "call_action", locked)
        with mock_aws():
            patch.setattr(clients, "_session", lambda: _SESSION)
            patch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the first credentials that it has found
            yield
