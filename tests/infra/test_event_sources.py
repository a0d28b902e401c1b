"""Pausing a local stack's queues, without an emulator; tests/e2e has it with one."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from darkroom.client.ports import free_port
from infra.local import event_sources
from infra.local.clients import Clients
from infra.local.state import RootKey

KEY = RootKey(access_key_id="key", secret_access_key="secret")


def mapping(source: str) -> dict[str, Any]:
    arn = f"arn:aws:{source}:us-east-1:000000000000:something"
    return {"UUID": source, "EventSourceArn": arn, "State": "Enabled", "Enabled": True, "BatchSize": 10}


def test_the_emulator_starts_with_its_queues_paused_and_its_streams_not(tmp_path: Path) -> None:
    path = tmp_path / event_sources.SAVED
    data = {source: mapping(source) for source in ("sqs", "dynamodb")}
    saved = {"__ministack_format__": 2, "payload": {"functions": {}, "esms": {"data": data}}}
    path.write_text(json.dumps(saved))
    event_sources.pause_saved(tmp_path)
    data["sqs"] |= {"State": "Disabled", "Enabled": False}
    assert json.loads(path.read_text()) == saved


@pytest.mark.parametrize("content", [None, "", '{"payload": {"esms"', "[]", '{"payload": {"esms": null}}'])
def test_a_state_that_cannot_be_read_is_left_as_it_is(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / event_sources.SAVED
    if content is not None:
        path.write_text(content)
    event_sources.pause_saved(tmp_path)
    assert (path.read_text() if path.exists() else None) == content


def test_an_emulator_that_is_gone_is_paused_already_and_cannot_be_resumed() -> None:
    client = Clients(free_port(), KEY)("lambda")
    event_sources.pause(client)
    with pytest.raises(EndpointConnectionError):
        event_sources.resume(client)
