"""Result cache: an identical job is answered at once, free of charge."""

import threading
from collections.abc import Mapping

import httpx2
import pytest

from infra.local.stack import LocalStack
from tests.e2e import pictures
from tests.e2e.caller import Caller, JobDict, picture


@pytest.fixture(scope="module")
def admin(stack: LocalStack) -> Caller:
    """Caller with the rights of an administrator."""
    return Caller(stack.endpoint, stack.socket, stack.token_for("local"))


def run_and_store(
    caller: Caller, admin: Caller, scale: int, photo: Mapping[str, bytes], *, declared: bool = True
) -> JobDict:
    """Run a job, and wait until its result is in the cache, which is a moment after the job's end."""
    stores = admin.http.get("/cache/stats").json()["stores"]
    job = caller.run("upscale", {"scale": scale}, photo, declared=declared, cache=True)
    pause = threading.Event()
    while admin.http.get("/cache/stats").json()["stores"] == stores:
        pause.wait(0.05)
    return job


def test_an_equal_job_completes_at_once_from_the_cache_and_costs_nothing(caller: Caller, admin: Caller) -> None:
    photo = {"photo": pictures.jpeg(160, 120)}
    first = run_and_store(caller, admin, 2, photo)
    assert (first["state"], first["cached"]) == ("completed", False)

    answer = caller.submit("upscale", {"scale": 2}, photo, declared=True, cache=True).json()
    again = answer["job"]
    assert (again["state"], again["cached"], again["cost_usd"], answer["uploads"]) == ("completed", True, 0, {})
    assert again["job_id"] != first["job_id"]
    assert picture(again).tobytes() == picture(first).tobytes()
    assert caller.get(again["job_id"])["cached"]


def test_an_undeclared_file_is_found_in_the_cache_after_its_upload(caller: Caller, admin: Caller) -> None:
    photo = {"photo": pictures.jpeg(168, 120)}
    run_and_store(caller, admin, 3, photo, declared=False)
    created = caller.submit("upscale", {"scale": 3}, photo, cache=True).json()
    assert created["job"]["state"] == "awaiting_upload"
    again = caller.upload_and_wait(created, photo)
    assert (again["state"], again["cached"], again["attempt"]) == ("completed", True, 0)


def test_other_params_photos_and_owners_do_not_hit_the_cache(caller: Caller, other: Caller, admin: Caller) -> None:
    photo = {"photo": pictures.jpeg(176, 120)}
    run_and_store(caller, admin, 2, photo)
    asks = [
        caller.submit("upscale", {"scale": 2.5}, photo, declared=True, cache=True),
        caller.submit("upscale", {"scale": 2}, {"photo": pictures.jpeg(177, 120)}, declared=True, cache=True),
        caller.submit("upscale", {"scale": 2}, photo, declared=True, cache=False),
        other.submit("upscale", {"scale": 2}, photo, declared=True, cache=True),
    ]
    assert [each.json()["job"]["state"] for each in asks] == ["awaiting_upload"] * 4


def test_only_administrators_read_cache_statistics_and_clear_the_cache(caller: Caller, admin: Caller) -> None:
    photo = {"photo": pictures.jpeg(192, 120)}
    run_and_store(caller, admin, 2, photo)
    before = admin.http.get("/cache/stats").json()
    assert caller.submit("upscale", {"scale": 2}, photo, declared=True, cache=True).json()["job"]["cached"]
    after = admin.http.get("/cache/stats").json()
    assert after["hits"] == before["hits"] + 1

    for refused in (caller.http.get("/cache/stats"), caller.http.delete("/cache")):
        assert (refused.status_code, refused.json()["code"]) == (httpx2.codes.FORBIDDEN, "forbidden")
    assert admin.http.delete("/cache").is_success
    emptied = caller.submit("upscale", {"scale": 2}, photo, declared=True, cache=True).json()["job"]
    assert emptied["state"] == "awaiting_upload"
