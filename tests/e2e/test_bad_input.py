"""Bad input fails with a clear error and a stable code, through the deployed stack; no job hangs."""

import hashlib
import uuid

import httpx2
import pytest

from tests.e2e import pictures
from tests.e2e.caller import Caller, upload

MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(pictures.TEXT, "unsupported_media", id="text named jpg"),
        pytest.param(pictures.encode(pictures.room(), "GIF"), "unsupported_media", id="gif"),
        pytest.param(pictures.AVIF, "unsupported_media", id="avif"),
        pytest.param(pictures.SVG, "unsupported_media", id="svg"),
        pytest.param(pictures.PDF, "unsupported_media", id="pdf"),
        pytest.param(pictures.encode(pictures.room(), "PNG"), "unsupported_media", id="png declared as jpeg"),
        pytest.param(b"", "empty_file", id="no bytes"),
        pytest.param(pictures.jpeg()[:1500], "invalid_image", id="truncated jpeg"),
        pytest.param(pictures.jpeg()[:4], "invalid_image", id="only the first marker"),
    ],
)
def test_a_file_that_is_no_photo_fails_its_job_with_an_error_code(caller: Caller, data: bytes, code: str) -> None:
    job_id, ticket = caller.created()
    response = upload(ticket, data)
    if not data and not response.is_success:
        # S3 itself refuses the form; the job still waits for its photo.
        assert "EntityTooSmall" in response.text
        assert caller.get(job_id)["state"] == "awaiting_upload"
        return
    job = caller.finish(job_id)
    assert (job["state"], job["error"]["code"]) == ("failed", code)
    assert len(job["error"]["message"]) > 20
    assert job["error"]["retryable"] is False
    assert job["result"] is None


def test_a_picture_of_900_megapixels_is_rejected_by_its_header(caller: Caller) -> None:
    job = caller.restyle(pictures.bomb(), content_type="image/png")
    assert (job["state"], job["error"]["code"]) == ("failed", "too_large")
    assert "30000" in job["error"]["message"].replace(",", "").replace(" ", "").replace("\u202f", "")


def test_uploading_21_megabytes_is_rejected_by_the_storage(caller: Caller) -> None:
    job_id, ticket = caller.created()
    response = upload(ticket, pictures.jpeg() + bytes(21 * MEGABYTE))
    assert response.status_code == httpx2.codes.BAD_REQUEST
    assert "EntityTooLarge" in response.text
    assert caller.get(job_id)["state"] == "awaiting_upload"


def test_declaring_21_megabytes_is_rejected_before_the_upload(caller: Caller) -> None:
    _problem(caller.create(upload={"size": 21 * MEGABYTE}), 413, "too_large")


def test_the_form_is_fixed_to_its_content_type_and_key(caller: Caller) -> None:
    _, ticket = caller.created()
    other_id, _ = caller.created()
    wrong_type = upload(ticket, pictures.jpeg(), **{"Content-Type": "image/png"})
    assert wrong_type.status_code == httpx2.codes.FORBIDDEN
    wrong_key = upload(ticket, pictures.jpeg(), key=f"uploads/{other_id}/photo")
    assert wrong_key.status_code == httpx2.codes.FORBIDDEN
    assert caller.get(other_id)["state"] == "awaiting_upload"


def test_a_file_other_than_declared_is_rejected_by_the_storage(caller: Caller) -> None:
    job_id, ticket = caller.created(upload={"sha256": "0" * 64})
    response = upload(ticket, pictures.jpeg())
    assert (response.status_code, "<Code>BadDigest</Code>" in response.text) == (httpx2.codes.BAD_REQUEST, True)
    assert caller.get(job_id)["state"] == "awaiting_upload"


def test_a_right_declared_checksum_is_accepted(caller: Caller) -> None:
    digest = hashlib.sha256(pictures.jpeg()).hexdigest()
    assert caller.restyle(pictures.jpeg(), upload={"sha256": digest})["state"] == "completed"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"params": {"style": "baroque"}}, "params.style", id="unknown style"),
        pytest.param({"params": {"style": "modern", "seeds": 1}}, "params.seeds", id="unknown param"),
        pytest.param({"params": {"style": "modern"}, "colour": "red"}, "colour", id="unknown field"),
        pytest.param({"params": {"style": "modern", "strength": 3}}, "params.strength", id="out of range"),
        pytest.param({"params": {}}, "params.style", id="missing"),
        pytest.param({"kind": "paint", "params": {}}, "kind", id="unknown kind"),
    ],
)
def test_a_wrong_request_names_the_field(caller: Caller, body: dict[str, object], field: str) -> None:
    whole = {"kind": "restyle_room", "uploads": {"photo": {"content_type": "image/jpeg"}}, **body}
    problem = _problem(caller.http.post("/jobs", json=whole), 422, "invalid_request")
    assert any(error["field"].endswith(field) for error in problem["errors"]), problem


def test_malformed_json_is_reported_as_such(caller: Caller) -> None:
    response = caller.http.post("/jobs", content=b'{"kind": ', headers={"Content-Type": "application/json"})
    problem = _problem(response, response.status_code, "invalid_request")
    assert problem["status"] in {400, 422}
    assert "JSON" in str(problem)


@pytest.mark.parametrize("content_type", ["image/gif", "image/avif", "image/svg+xml", "application/pdf"])
def test_an_unsupported_type_is_rejected_before_the_upload(caller: Caller, content_type: str) -> None:
    _problem(caller.create(content_type=content_type), 415, "unsupported_media")


def test_an_idempotency_key_makes_one_job(caller: Caller) -> None:
    key = uuid.uuid4().hex
    first, again = (caller.create(key=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["job"]["job_id"] == again.json()["job"]["job_id"]
    _problem(caller.create(key=key, seed=8), 422, "idempotency_mismatch")


def test_an_unknown_job_is_not_found(caller: Caller) -> None:
    _problem(caller.http.get(f"/jobs/{uuid.uuid4().hex}"), 404, "not_found")
    _problem(caller.http.get("/nowhere"), 404, "not_found")


def _problem(response: httpx2.Response, status: int, code: str) -> dict[str, object]:
    """Check the RFC 9457 form of an error and return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    problem: dict[str, object] = response.json()
    assert problem["status"] == status
    assert problem["code"] == code, problem
    assert problem["title"]
    assert problem["detail"]
    return problem
