"""Kinds with several pictures, with assets instead of files, with text only, and with several results."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.responses import Response

from darkroom import Client, JobError, ProblemError
from darkroom.client.blocking import run_blocking
from darkroom.client.network import MAX_RETRY_AFTER_SECONDS, send_with_retries
from darkroom.client.request_builder import build_request
from darkroom.contract.jobs import Job, State
from darkroom.contract.uploads import AssetReference
from tests.darkroom.fake_service import Service
from tests.darkroom.jobs import RESULT, completed, failed
from tests.darkroom.responses import problem

ASSET = AssetReference(asset_id="b" * 32)


def asked(service: Service, path: str = "/jobs") -> list[dict[str, Any]]:
    """The bodies of every such POST."""
    return [body for method, where, _, body in service.requests if (method, where) == ("POST", path)]


def test_every_role_gets_its_own_picture(client: Client, service: Service, photo: Path, tmp_path: Path) -> None:
    mask = tmp_path / "mask.png"
    mask.write_bytes(b"\x89PNG\r\n\x1a\n" + b"mask" * 50)
    done = client.run("inpaint", {"photo": photo, "mask": mask}, prompt="a plant")
    assert done.state is State.COMPLETED
    sent = {upload["key"]: upload["file"] for upload in service.uploads}
    assert sent == {b"uploads/a/photo": photo.read_bytes(), b"uploads/a/mask": mask.read_bytes()}


def test_an_asset_takes_a_pictures_place_and_is_not_uploaded(client: Client, service: Service, photo: Path) -> None:
    assert client.run("inpaint", {"photo": ASSET, "mask": photo}).state is State.COMPLETED
    (body,) = asked(service)
    assert body["uploads"]["photo"] == {"asset_id": "b" * 32}
    assert [upload["key"] for upload in service.uploads] == [b"uploads/a/mask"]
    assert client.run("upscale", ASSET).state is State.COMPLETED
    assert len(service.uploads) == 1


def test_a_kind_that_starts_from_words_takes_no_picture(client: Client, service: Service, photo: Path) -> None:
    assert client.run("generate", prompt="a red fox").state is State.COMPLETED
    assert (asked(service)[0]["params"], service.uploads) == ({"prompt": "a red fox"}, [])
    with pytest.raises(ValueError, match="generate starts from words alone"):
        client.run("generate", photo, prompt="a red fox")
    with pytest.raises(ValueError, match="inpaint wants several pictures, by role: photo, mask"):
        client.run("inpaint", photo)


def test_a_job_that_was_done_before_ends_at_once(client: Client, service: Service, photo: Path) -> None:
    service.cached = True
    seen: list[Job] = []
    done = client.run("restyle_room", photo, style="modern", on_change=seen.append)
    assert done.cached
    assert seen == [done]
    assert (service.uploads, service.subscriptions) == ([], [])
    assert [path for _, path, _, _ in service.requests] == ["/jobs"]
    assert list(client.watch(done)) == []


def test_the_cache_can_be_passed_by(client: Client, service: Service, photo: Path) -> None:
    client.run("restyle_room", photo, style="modern", cache=False)
    client.run("restyle_room", photo, style="modern")
    assert [body.get("cache") for body in asked(service)] == [False, None]


def test_several_results_are_numbered_in_a_folder_and_after_a_name(
    client: Client, service: Service, tmp_path: Path
) -> None:
    done = completed(4, f"{service.url}/results/result.jpg", count=3)
    assert [path.name for path in client.download_all(done, tmp_path)] == ["result.jpg", "result-2.jpg", "result-3.jpg"]
    paths = client.download_all(done, tmp_path / "fox.jpg")
    assert [path.name for path in paths] == ["fox.jpg", "fox-2.jpg", "fox-3.jpg"]
    assert {path.read_bytes() for path in paths} == {RESULT}
    with pytest.raises(JobError, match="no_face"):
        client.download_all(failed(2, "no_face", "There is no face."), tmp_path)


def test_a_job_is_made_again_with_something_changed_and_nothing_uploaded(
    client: Client, service: Service, photo: Path
) -> None:
    first = client.run("restyle_room", photo, style="modern", seed=7)
    created = client.rerun(first.job_id, {"style": "boho"}, engine="preview", cache=False)
    *_, again = client.watch(created.job)
    assert (again.job_id, again.state) == ("c" * 32, State.COMPLETED)
    assert asked(service, f"/jobs/{first.job_id}/rerun") == [
        {"params": {"style": "boho"}, "engine": "preview", "cache": False}
    ]
    assert len(service.uploads) == 1


def test_a_short_wait_is_waited_and_a_long_one_is_told(client: Client, service: Service, photo: Path) -> None:
    request, _ = build_request("restyle_room", photo, {"style": "modern"})
    service.answers = [problem(429, "rate_limited", "Too many.", headers={"Retry-After": "0"})]
    assert client.create(request).job.state is State.AWAITING_UPLOAD
    service.requests.clear()
    service.answers = [problem(429, "budget_exceeded", "Spent.", headers={"Retry-After": "7200"})]
    with pytest.raises(ProblemError, match="budget_exceeded") as caught:
        client.create(request)
    assert caught.value.retry_after == 7200
    assert len(service.requests) == 1


def test_patience_is_for_the_whole_call() -> None:
    waits: list[float] = []

    async def send() -> httpx2.Response:
        return httpx2.Response(429, headers={"Retry-After": "20"})

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    answer = run_blocking(send_with_retries(send, sleep, attempts=9))
    assert answer.status_code == 429
    assert sum(waits) == 20 <= MAX_RETRY_AFTER_SECONDS


def test_an_answer_that_names_no_time_is_tried_again_soon(client: Client, service: Service) -> None:
    service.answers = [Response(status_code=429)]
    assert client.get("a" * 32).seq == 1
