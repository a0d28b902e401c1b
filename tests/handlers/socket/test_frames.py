"""Frames of WebSocket clients: invalid ones are answered with an error that says why."""

import json
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("environment")


def test_ping_is_answered_with_pong(send: Any) -> None:
    assert send({"action": "ping"}) == [{"type": "pong"}]


@pytest.mark.parametrize(
    "frame",
    [
        None,
        "",
        "hello",
        "[]",
        "null",
        "{}",
        "[" * 100_000,
        {"action": "dance"},
        {"action": "subscribe"},
        {"action": "subscribe", "job_id": "../x"},
        {"action": "subscribe", "job_id": 7},
        {"action": "subscribe", "job_id": "0" * 32, "after_seq": -1},
        {"action": "ping", "more": 1},
    ],
)
def test_an_invalid_frame_is_answered_with_an_error(send: Any, frame: Any) -> None:
    (message,) = send(frame)
    assert (message["type"], message["error"]["code"]) == ("error", "invalid_request")
    assert message["error"]["message"]


def test_the_error_names_the_field_if_there_is_one(send: Any) -> None:
    (of_field,) = send({"action": "subscribe", "job_id": "a" * 32, "after_seq": -1})
    assert of_field["error"]["message"].startswith("subscribe.after_seq: ")
    (of_all,) = send("not JSON")
    assert of_all["error"]["message"].startswith("Invalid JSON")


def test_the_error_names_the_job_of_an_invalid_frame(send: Any) -> None:
    (message,) = send({"action": "subscribe", "job_id": "nonsense"})
    assert message["job_id"] == "nonsense"


@pytest.mark.parametrize(
    "frame",
    [
        json.dumps({"action": "subscribe", "job_id": "x" * 60_000}),
        json.dumps({"action": "ping", "x" * 60_000: 1}),
        json.dumps({"action": "x" * 60_000}),
        json.dumps({"action": "subscribe", "job_id": "\ud800"}),
        json.dumps({"action": "subscribe", "job_id": "\x01" * 60}),
    ],
    ids=["job_id", "field", "action", "surrogate", "control characters"],
)
def test_a_refusal_repeats_no_long_text_of_the_frame_and_is_valid_json(send: Any, frame: str) -> None:
    (message,) = send(frame)
    assert (message["type"], message["error"]["code"]) == ("error", "invalid_request")
    assert len(json.dumps(message)) < 10_000
