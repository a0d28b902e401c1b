"""AWS inside this process: moto, whose conditional writes are made atomic, as DynamoDB's are."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from moto import mock_aws
from moto.dynamodb.responses import DynamoHandler


@contextmanager
def fake_aws() -> Iterator[None]:
    """Answer AWS calls by moto. It handles one call of DynamoDB at a time: threads lose no write to each other."""
    lock = threading.RLock()
    call_action = DynamoHandler.call_action

    def locked(handler: DynamoHandler) -> object:
        with lock:
            return call_action(handler)

    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(DynamoHandler, "call_action", locked)
        yield
