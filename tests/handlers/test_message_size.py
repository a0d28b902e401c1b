"""Size of WebSocket messages: none is longer than 32 kB, and a job's message says what it leaves out."""

from typing import get_args

import pytest

from darkroom.contract.kinds import KINDS, Kind
from darkroom.contract.requests import params_model, upload_roles
from darkroom.contract.video_params import MAX_SCRIPTS_CHARACTERS
from handlers.websocket.message_size import LINKS, TEXTS, job_message
from handlers.websocket.messages import JobMessage, Omission
from tests.handlers.large_jobs import JAPANESE, JOB_ID, WIDEST, largest_job, longest, presign, scenes_job
from tests.handlers.sockets import FRAME_BYTES


def test_the_longest_value_follows_the_contract() -> None:
    schema = params_model(Kind.GENERATE).model_json_schema()
    assert longest(schema, schema, "x")["negative_prompt"] == "x" * 500


def size(message: JobMessage) -> int:
    return len(message.model_dump_json().encode())


@pytest.mark.parametrize("character", ["x", JAPANESE, WIDEST])
@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_job_of_a_kind_is_sent_in_32_kilobytes(kind: Kind, character: str) -> None:
    job = largest_job(kind, character).public(presign)
    assert len(job.model_dump_json().encode()) > FRAME_BYTES
    message = job_message(job)
    assert size(message) <= FRAME_BYTES
    sent = message.model_dump(mode="json")["job"]
    assert (sent["job_id"], sent["state"], sent["ended"], sent["seq"]) == (JOB_ID, "completed", True, 10**6)
    assert message.omitted
    assert set(message.omitted) <= set(get_args(Omission))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in (Kind.RENDER_SCENES, Kind.RENDER_VIDEO)])
def test_an_ordinary_job_carries_everything(kind: Kind) -> None:
    record = largest_job(kind, "x")
    assert record.result is not None
    result = record.result.model_copy(update={"videos": [], "pictures": record.result.pictures[:8], "objects": []})
    result = result.model_copy(update={"notes": [], "models": [], "subtitles": []})
    uploads = {role: record.uploads[role] for role in upload_roles(kind)}
    job = record.model_copy(update={"result": result, "uploads": uploads, "error": None, "timeline": []}).public(
        presign
    )
    assert job_message(job) == JobMessage(job=job, omitted=[])


def test_the_links_of_inputs_are_left_out_before_those_of_results() -> None:
    job = scenes_job("Words.").public(presign)
    message = job_message(job)
    assert message.omitted == ["uploads.url"]
    assert all(upload.url is None for upload in message.job.uploads.values())
    assert message.job.result == job.result
    assert message.job.preview == job.preview
    assert message.job.params == job.params
    # Only the sent copy is without links.
    assert all(upload.url for upload in job.uploads.values())


def test_params_are_left_out_when_texts_alone_are_too_long_and_the_links_of_results_are_sent() -> None:
    job = scenes_job(JAPANESE * MAX_SCRIPTS_CHARACTERS).public(presign)
    message = job_message(job)
    assert message.omitted == ["uploads.url", "params"]
    assert message.job.params == {}
    assert message.job.result == job.result


def test_the_names_of_what_is_left_out_are_in_the_order_of_omission() -> None:
    assert (*LINKS, *TEXTS) == get_args(Omission)
    assert all(name.endswith(".url") for name in LINKS)
    assert not any(name.endswith(".url") for name in TEXTS)


def test_a_job_without_a_part_does_not_name_it() -> None:
    record = largest_job(Kind.RENDER_SCENES).model_copy(update={"result": None, "preview": None, "timeline": []})
    message = job_message(record.public(presign))
    assert set(message.omitted) <= {"uploads.url", "params", "uploads"}
