"""Open enumerations: answers keep unknown values as text, requests accept members alone."""

import copy
import json
import pickle
from typing import Literal

import pytest
from pydantic import BaseModel, ValidationError

from darkroom.contract.errors import DarkroomError, ErrorCode, ErrorDetail
from darkroom.contract.jobs import Job, State, UploadStatus
from darkroom.contract.open_enum import Open, unknown_values
from darkroom.contract.requests import UpscaleRequest


class Answer(BaseModel):
    """An answer with open enumerations."""

    state: Open[State]
    format: Open[Literal["srt", "vtt"]] = "srt"
    counts: dict[Open[State], int] = {}


@pytest.mark.parametrize("state", State)
def test_known_values_are_members(state: State) -> None:
    assert Answer.model_validate_json(json.dumps({"state": state})).state is state
    assert State.of(state.value) is state
    assert state.known


def test_unknown_values_are_kept_as_text() -> None:
    found = Answer.model_validate({"state": "paused", "format": "ttml", "counts": {"paused": 2, "failed": 1}})
    assert isinstance(found.state, State)
    assert (found.state, str(found.state), found.state.value, found.state.known) == (
        "paused",
        "paused",
        "paused",
        False,
    )
    assert found.model_dump(mode="json") == {"state": "paused", "format": "ttml", "counts": {"paused": 2, "failed": 1}}
    assert Answer.model_validate_json(found.model_dump_json()) == found
    assert unknown_values(found) == {"state": "paused", "format": "ttml"}


def test_an_unknown_state_is_not_known_to_be_terminal() -> None:
    assert not State.of("archived").terminal
    assert State.COMPLETED.terminal


@pytest.mark.parametrize("value", [3, None, ["queued"], {"state": "queued"}])
def test_a_value_that_is_no_text_is_rejected(value: object) -> None:
    with pytest.raises(ValidationError):
        Answer.model_validate({"state": value})


def _pickled(state: State) -> State:
    found: State = pickle.loads(pickle.dumps(state))  # noqa: S301 - our own bytes
    return found


def test_an_unknown_value_survives_pickle_and_copies() -> None:
    state = State.of("paused")
    for again in (_pickled(state), copy.copy(state), copy.deepcopy(state)):
        assert (again, type(again), again.known) == ("paused", State, False)
    assert _pickled(State.FAILED) is State.FAILED
    assert {state: 1}["paused"] == 1


def test_an_error_with_an_unknown_code_and_a_long_message_is_read() -> None:
    error = ErrorDetail.model_validate({"code": "too_blurry", "message": "x" * 2000})
    assert (error.code, len(error.message)) == ("too_blurry", 2000)
    assert len(DarkroomError(ErrorCode.INTERNAL, "x" * 2000).detail.message) == 1000


def test_an_upload_of_an_unknown_type_is_read() -> None:
    upload = UploadStatus.model_validate({"content_type": "image/avif"})
    assert upload.model_dump()["content_type"] == "image/avif"
    assert unknown_values(upload) == {"content_type": "image/avif"}


@pytest.mark.parametrize(
    "change",
    [{"engine": "quantum"}, {"added_later": 1}, {"params": {"content": "painting"}}, {"params": {"sparkle": True}}],
)
def test_requests_stay_strict(change: dict[str, object]) -> None:
    request = {"kind": "upscale", "uploads": {"photo": {"content_type": "image/jpeg"}}}
    UpscaleRequest.model_validate(request)
    with pytest.raises(ValidationError):
        UpscaleRequest.model_validate(request | change)
    with pytest.raises(ValidationError):
        UpscaleRequest.model_validate(request | {"uploads": {"photo": {"content_type": "image/avif"}}})


def test_a_job_of_an_older_service_has_ended_by_its_state() -> None:
    answer = {
        "job_id": "0" * 32,
        "kind": "upscale",
        "seq": 3,
        "engine": "preview",
        "params": {},
        "uploads": {},
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    assert [state for state in State if Job.model_validate({**answer, "state": state}).ended] == [
        "completed",
        "failed",
        "cancelled",
        "expired",
    ]
    assert not Job.model_validate({**answer, "state": "archived"}).ended
    assert Job.model_validate({**answer, "state": "archived", "ended": True}).ended
