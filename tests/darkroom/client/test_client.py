"""Client library against the fake service: the behaviour that app developers rely on."""

import hashlib
from pathlib import Path

import pytest
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from darkroom import Client, ClientError, JobError, ProblemError, UnreachableError, UploadError
from darkroom.client.request_builder import build_request
from darkroom.contract.jobs import Job, State
from darkroom.contract.requests import JobRequest
from tests.darkroom.driven_client import MakeClient
from tests.darkroom.fake_service import Service
from tests.darkroom.jobs import RESULT, completed, failed, job, shortened_message
from tests.darkroom.responses import problem, s3_error


def request_for(photo: Path) -> JobRequest:
    return build_request("restyle_room", photo, {"style": "modern"})[0]


def test_run_submits_uploads_watches_and_download_writes_the_result(
    client: Client, service: Service, photo: Path, tmp_path: Path
) -> None:
    seen: list[Job] = []
    done = client.run("restyle_room", photo, style="modern", seed=7, on_change=seen.append)
    path = client.download(done, tmp_path / "out.jpg")

    assert done.state is State.COMPLETED
    assert seen[-1] == done
    assert path.read_bytes() == RESULT
    (upload,) = service.uploads
    assert upload["file"] == photo.read_bytes()
    assert list(upload)[-1] == "file"  # S3 ignores the fields that come after the file
    (_, _, _, body) = next(each for each in service.requests if each[:2] == ("POST", "/jobs"))
    assert body == {
        "kind": "restyle_room",
        "params": {"style": "modern", "seed": 7},
        "uploads": {
            "photo": {
                "content_type": "image/jpeg",
                "size": photo.stat().st_size,
                "sha256": hashlib.sha256(photo.read_bytes()).hexdigest(),
            }
        },
    }


def test_run_raises_job_error_for_a_failed_job(client: Client, service: Service, photo: Path) -> None:
    service.story = [failed(2, "unsupported_media", "This is a GIF.")]
    with pytest.raises(JobError, match="unsupported_media: This is a GIF") as caught:
        client.run("restyle_room", photo, style="modern")
    assert caught.value.code == "unsupported_media"
    assert caught.value.job.state is State.FAILED


def test_a_request_that_the_contract_does_not_allow_is_not_sent(client: Client, service: Service, photo: Path) -> None:
    with pytest.raises(ValidationError):
        client.run("restyle_room", photo, style="no such style")
    with pytest.raises(ValueError, match="unknown kind 'bake'; choose one of: restyle_room"):
        client.run("bake", photo)
    assert service.requests == []


def test_creation_is_retried_with_the_same_idempotency_key(client: Client, service: Service, photo: Path) -> None:
    service.answers = [Response(status_code=503), Response(status_code=502)]
    client.create(request_for(photo))
    keys = [headers["idempotency-key"] for headers in service.keys("POST", "/jobs")]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    client.create(request_for(photo), idempotency_key="order-17")
    client.create(request_for(photo))
    *_, mine, other = [headers["idempotency-key"] for headers in service.keys("POST", "/jobs")]
    assert mine == "order-17"
    assert other not in {mine, *keys}


def test_an_error_that_persists_is_raised_after_all_attempts(client: Client, service: Service) -> None:
    service.answers = [Response(status_code=503) for _ in range(10)]
    with pytest.raises(ProblemError) as caught:
        client.get("a" * 32)
    assert caught.value.status == 503
    assert 1 < len(service.requests) < 10


def test_a_refused_connection_raises_unreachable_error(service: Service, make_client: MakeClient) -> None:
    with make_client("http://127.0.0.1:9", "x") as client, pytest.raises(UnreachableError, match=r"127\.0\.0\.1:9"):
        client.get("a" * 32)


def test_problem_details_become_one_typed_error(client: Client, service: Service) -> None:
    errors = [{"field": "params.style", "message": "unknown style"}]
    service.answers = [problem(422, "invalid_request", "The request is not valid.", errors)]
    with pytest.raises(ProblemError) as caught:
        client.get("a" * 32)
    assert (caught.value.status, caught.value.code) == (422, "invalid_request")
    assert caught.value.detail == "The request is not valid."
    assert [(each.field, each.message) for each in caught.value.errors] == [("params.style", "unknown style")]
    assert "params.style: unknown style" in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (JSONResponse({"message": "Unauthorized"}, 401), "unauthorized"),
        (JSONResponse({"message": "Forbidden"}, 403), "forbidden"),
        (Response("<html>nginx</html>", 404, media_type="text/html"), "not_found"),
        (JSONResponse([1, 2], 418), "invalid_request"),
        (Response("<html>hello</html>", 200, media_type="text/html"), "internal"),
    ],
)
def test_responses_of_gateways_have_codes_too(client: Client, service: Service, answer: Response, code: str) -> None:
    service.answers = [answer]
    with pytest.raises(ProblemError) as caught:
        client.get("a" * 32)
    assert caught.value.code == code


def test_list_fetches_only_as_many_pages_as_needed(client: Client, service: Service) -> None:
    assert [each.job_id for each in client.list(status="awaiting_upload")] == [f"{number:032x}" for number in range(6)]
    service.requests.clear()
    next(client.list())
    assert len(service.requests) == 1


def test_cancel_styles_and_health_return_what_the_service_sends(client: Client) -> None:
    assert client.cancel("a" * 32).state is State.CANCELLED
    with pytest.raises(ProblemError, match="conflict"):
        client.cancel("a" * 32)
    assert [style.palette for style in client.styles()] == [["#ffffff", "#000000"]]
    health = client.health()
    assert not health.ok
    assert health.parts["queue"].reason == "unreachable"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (s3_error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"), "too_large"),
        (s3_error(400, "EntityTooSmall"), "empty_file"),
        (s3_error(400, "XAmzContentChecksumMismatch"), "checksum_mismatch"),
        (s3_error(403, "AccessDenied", "Invalid according to Policy: Policy Condition failed"), "forbidden"),
        (s3_error(404, "NoSuchBucket"), "not_found"),
        (Response("<html>", 400), "forbidden"),
        (Response('<!DOCTYPE x [<!ENTITY a "b">]><Error><Code>&a;</Code></Error>', 400), "forbidden"),
    ],
)
def test_an_upload_rejected_by_the_storage_has_a_code(
    client: Client, service: Service, photo: Path, answer: Response, code: str
) -> None:
    service.storage_answers = [answer]
    with pytest.raises(UploadError) as caught:
        client.run("restyle_room", photo, style="modern")
    assert caught.value.code == code
    assert service.job.state is State.CANCELLED  # it would wait for its picture until it expires


def test_an_expired_form_is_renewed_once(client: Client, service: Service, photo: Path) -> None:
    expired = s3_error(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
    created = client.create(request_for(photo))
    service.storage_answers = [expired, expired]
    with pytest.raises(UploadError) as caught:
        client.upload(created, {"photo": photo})
    assert caught.value.code == "upload_expired"
    assert service.uploads == []
    service.storage_answers = [expired]
    client.upload(created, {"photo": photo})
    assert len(service.uploads) == 1


def test_a_retried_upload_starts_again_and_its_progress_ends_at_the_total(
    client: Client, service: Service, tmp_path: Path
) -> None:
    big = tmp_path / "big.jpg"
    big.write_bytes(b"\xff\xd8\xff" + b"x" * 300_000)
    service.storage_answers = [s3_error(503, "SlowDown"), s3_error(400, "RequestTimeout")]
    steps: list[tuple[int, int]] = []
    client.upload(client.create(request_for(big)), {"photo": big}, progress=lambda *step: steps.append(step))
    assert service.uploads[0]["file"] == big.read_bytes()
    assert steps[-1] == (300_003, 300_003)
    assert len([step for step in steps if step[0] == step[1]]) == 3


def test_uploads_that_a_repeated_creation_already_has_are_skipped(
    client: Client, service: Service, photo: Path
) -> None:
    created = client.create(request_for(photo))
    client.upload(created.model_copy(update={"uploads": {}}), {"photo": photo})
    assert service.uploads == []


def test_uploads_must_name_the_roles_of_the_job(client: Client, photo: Path) -> None:
    with pytest.raises(ValueError, match="photo"):
        client.upload(client.create(request_for(photo)), {"selfie": photo})


def test_an_incomplete_download_writes_nothing(client: Client, service: Service, tmp_path: Path) -> None:
    target = tmp_path / "result.jpg"
    target.write_bytes(b"what was there")
    url = f"{service.url}/results/result.jpg"
    service.storage_answers = [Response(RESULT[:1000])]
    with pytest.raises(ClientError) as caught:
        client.download(completed(4, url), target)
    assert caught.value.code == "checksum_mismatch"
    assert target.read_bytes() == b"what was there"
    assert [path.name for path in tmp_path.glob("*result*")] == ["result.jpg"]

    service.storage_answers = [Response(status_code=500)]
    assert client.download(completed(4, url), target).read_bytes() == RESULT


def test_an_expired_download_link_is_renewed(client: Client, service: Service, tmp_path: Path) -> None:
    url = f"{service.url}/results/result.jpg"
    service.job = completed(4, url)
    service.storage_answers = [Response(status_code=403)]
    assert client.download(completed(4, url), tmp_path / "a.jpg").read_bytes() == RESULT
    assert client.download(completed(4, None), tmp_path / "b.jpg").read_bytes() == RESULT
    service.storage_answers = [Response(status_code=403), Response(status_code=403)]
    with pytest.raises(ClientError, match="refuses the link"):
        client.download(completed(4, url), tmp_path / "c.jpg")


def test_downloading_a_missing_picture_raises_an_error(client: Client, tmp_path: Path) -> None:
    with pytest.raises(JobError):
        client.download(failed(2, "no_face", "There is no face."), tmp_path / "a.jpg")
    with pytest.raises(ClientError, match="no file called poster; it has: result"):
        client.download(completed(4, None), tmp_path / "a.jpg", name="poster")


def test_watch_ends_with_the_terminal_state_and_resumes_after_a_seq(client: Client, service: Service) -> None:
    service.job = job(3, "running", progress=0.5)
    service.on_subscribe = lambda _message: service.change(completed(6, None))
    assert [each.seq for each in client.watch("a" * 32, after_seq=3)] == [6]
    assert service.subscriptions == [{"action": "subscribe", "job_id": "a" * 32, "after_seq": 3}]


def test_watch_polls_if_there_is_no_socket(client: Client, service: Service) -> None:
    service.socket_offered = False
    service.job = job(2, "queued")
    states = client.watch("a" * 32)
    assert next(states).state is State.QUEUED
    service.change(completed(5, None))
    assert [each.state for each in states] == [State.COMPLETED]
    assert service.subscriptions == []


def test_what_long_messages_leave_out_is_known_or_fetched_at_the_end(
    client: Client, service: Service, photo: Path, tmp_path: Path
) -> None:
    service.message_of = shortened_message
    seen: list[Job] = []
    done = client.run("restyle_room", photo, style="modern", seed=7, on_change=seen.append)
    assert done == service.job
    assert all(each.params == {"style": "modern", "seed": 7} for each in seen)
    # One after the subscription, which brought nothing new, and one at the end.
    assert len(service.keys("GET", f"/jobs/{done.job_id}")) == 2
    assert client.download(done, tmp_path / "out.jpg").read_bytes() == RESULT


def test_watching_another_owners_job_raises_not_found(client: Client) -> None:
    with pytest.raises(ProblemError) as caught:
        list(client.watch("b" * 32))
    assert caught.value.code == "not_found"


def test_a_proxy_of_the_environment_is_not_used_for_loopback_addresses(
    service: Service, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with make_client(service.url, "letmein") as other:
        assert other.get("a" * 32).job_id == "a" * 32


def test_a_rejected_token_is_renewed_if_possible(service: Service, make_client: MakeClient) -> None:
    class Tokens:
        def __init__(self) -> None:
            self.values = ["stale", "letmein"]

        def token(self) -> str:
            return self.values[0]

        def forget(self) -> bool:
            self.values.pop(0)
            return True

    with make_client(service.url, Tokens()) as client:
        assert client.get("a" * 32).seq == 1
    service.requests.clear()
    with make_client(service.url, Tokens()) as client:
        assert not client.health().ok
    assert len(service.requests) == 2, "an unhealthy answer is one, and not asked for again"
