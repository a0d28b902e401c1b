"""Files put in place of an upload with its form, which stays valid: no job is made of them, and no copy."""

import httpx2

from infra.local.stack import LocalStack
from tests.e2e import pictures
from tests.e2e.caller import Caller, upload

FIRST, OTHER = pictures.jpeg(), pictures.jpeg(480, 320)


def test_a_job_is_not_made_of_a_file_that_came_after_the_inspected_one(stack: LocalStack, caller: Caller) -> None:
    job_id, form = caller.created()
    with stack.paused("dispatch"), caller.socket() as socket:
        socket.send(action="subscribe", job_id=job_id)
        assert upload(form, FIRST).is_success
        socket.until(job_id, "queued")
        with stack.paused("uploaded"):
            assert upload(form, OTHER).is_success
    job = caller.finish(job_id)
    assert (job["state"], job["error"]["code"], job["error"]["retryable"]) == ("failed", "upload_expired", False)
    assert job["attempt"] <= 2


def test_a_rerun_and_an_asset_take_no_file_that_replaced_the_jobs_own(stack: LocalStack, caller: Caller) -> None:
    job_id, form = caller.created()
    assert upload(form, FIRST).is_success
    assert caller.finish(job_id)["state"] == "completed"
    with stack.paused("uploaded"):
        assert upload(form, OTHER).is_success
        rerun = caller.http.post(f"/jobs/{job_id}/rerun", json={"cache": False})
        assert (rerun.status_code, rerun.json()["code"]) == (410, "upload_expired")
        asset = caller.http.post("/assets", json={"job_id": job_id, "role": "photo"})
        assert (asset.status_code, asset.json()["code"]) == (404, "not_found")


def test_the_same_file_sent_twice_is_no_other_file(caller: Caller) -> None:
    photo = pictures.exif_rotated()  # which is cleaned
    job_id, form = caller.created()
    assert upload(form, photo).is_success
    assert upload(form, photo).is_success
    assert caller.finish(job_id)["state"] == "completed"


def test_the_type_of_the_forms_field_counts_and_not_that_of_the_files_part(caller: Caller) -> None:
    """Browsers send their own name of the type with the file."""
    job_id, form = caller.created(content_type="image/jpg")
    assert form["fields"]["Content-Type"] == "image/jpeg"
    sent = httpx2.post(form["url"], data=form["fields"], files={"file": ("room.jpg", FIRST, "image/pjpeg")})
    assert sent.is_success, sent.text
    assert caller.finish(job_id)["state"] == "completed"


def test_json_is_read_however_its_type_is_written(caller: Caller) -> None:
    for content_type in ("Application/JSON", 'application/json; charset="UTF-8"'):
        answer = caller.http.post(
            "/prompts/enhance", content=b'{"prompt": "a fox"}', headers={"Content-Type": content_type}
        )
        assert answer.status_code == httpx2.codes.OK, answer.text


def test_the_gateways_own_answer_is_as_documented(stack: LocalStack) -> None:
    stranger = Caller(stack.endpoint, stack.socket, "no token")
    answer = stranger.http.get("/jobs")
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    assert answer.headers["content-type"].partition(";")[0] == "application/json"
