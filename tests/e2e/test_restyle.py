"""``restyle_room``, end to end: from POST /jobs to the picture, over the deployed local stack."""

import io
from itertools import pairwise

import cv2
import httpx2
import numpy as np
import pytest
from PIL import Image, ImageChops, ImageStat

from infra.local.stack import LocalStack
from tests.e2e import pictures
from tests.e2e.caller import Caller, upload
from tests.links import unlinked


def test_a_photo_becomes_a_restyled_room(caller: Caller, sample: bytes) -> None:
    job = caller.restyle(sample, style="industrial", seed=7)

    assert job["state"] == "completed", job["error"]
    assert job["progress"] == 1
    assert job["result"]["engine"] == "preview"
    assert job["result"]["seed"] == 7
    assert 0 < job["result"]["quality"]["score"] <= 1
    assert {stage["stage"] for stage in job["timeline"]} >= {"load", "save"}
    assert job["cost_usd"] > 0
    result, thumbnail = (_download(job, name) for name in ("result", "thumbnail"))
    assert result.size == (1280, 960)
    assert max(thumbnail.size) <= 480
    assert _difference(result, sample) > 5


def test_every_state_arrives_in_order_and_progress_never_falls(caller: Caller) -> None:
    job_id, ticket = caller.created()
    with caller.socket() as socket:
        socket.send(action="subscribe", job_id=job_id)
        first = socket.receive()
        assert first["type"] == "job"
        assert first["job"]["state"] == "awaiting_upload"
        upload(ticket, pictures.jpeg())
        states = [first["job"], *socket.jobs(job_id)]

    assert states[-1]["state"] == "completed"
    assert all(earlier["seq"] < later["seq"] for earlier, later in pairwise(states))
    assert all(earlier["progress"] <= later["progress"] for earlier, later in pairwise(states))
    assert caller.get(job_id)["seq"] == states[-1]["seq"]


def test_a_reconnected_client_gets_only_the_updates_it_missed(caller: Caller) -> None:
    job = caller.restyle(pictures.jpeg())
    with caller.socket() as socket:
        socket.send(action="subscribe", job_id=job["job_id"], after_seq=job["seq"])
        assert socket.receive() == {"type": "subscribed", "job_id": job["job_id"], "seq": job["seq"]}
        socket.send(action="subscribe", job_id=job["job_id"], after_seq=job["seq"] - 1)
        assert socket.receive()["job"]["seq"] == job["seq"]
        socket.send(action="ping")
        assert socket.receive() == {"type": "pong"}


def test_the_socket_and_the_api_show_the_same_job(caller: Caller) -> None:
    pushed = caller.restyle(pictures.jpeg())
    fetched = caller.get(pushed["job_id"])
    assert unlinked(pushed) == unlinked(fetched)


def test_the_same_seed_makes_the_same_picture(caller: Caller) -> None:
    pictures_made = [_download(caller.restyle(pictures.jpeg(), seed=3), "result").tobytes() for _ in range(2)]
    assert pictures_made[0] == pictures_made[1]


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        pytest.param(pictures.encode(pictures.room().convert("CMYK"), "JPEG"), "image/jpeg", id="cmyk"),
        pytest.param(pictures.sixteen_bit(), "image/png", id="16-bit"),
        pytest.param(pictures.encode(pictures.room().convert("P"), "PNG"), "image/png", id="palette"),
        pytest.param(pictures.alpha(), "image/png", id="alpha"),
        pytest.param(pictures.encode(pictures.room().convert("L"), "JPEG"), "image/jpeg", id="grey"),
        pytest.param(pictures.exif_rotated(), "image/jpeg", id="exif-rotated"),
        pytest.param(pictures.encode(pictures.room(), "WEBP"), "image/webp", id="webp"),
    ],
)
def test_unusual_photos_are_rotated_upright_and_lose_their_gps_position(
    caller: Caller, data: bytes, content_type: str
) -> None:
    job = caller.restyle(data, content_type=content_type)

    assert job["state"] == "completed", job["error"]
    result = _download(job, "result")
    assert result.size == (320, 240)
    assert result.mode == "RGB"
    exif = result.getexif()
    assert not exif.get_ifd(pictures.GPS_IFD)
    assert exif.get(pictures.ORIENTATION, 1) == 1
    assert "trainedAlgorithmicMedia" in str(result.info.get("xmp"))


def test_a_picture_is_upscaled(caller: Caller) -> None:
    body = {"kind": "upscale", "params": {"scale": 2}, "uploads": {"photo": {"content_type": "image/jpeg"}}}
    created = caller.http.post("/jobs", json=body).json()
    upload(created["uploads"]["photo"], pictures.jpeg(200, 120))
    job = caller.finish(created["job"]["job_id"])
    assert job["state"] == "completed", job["error"]
    assert _download(job, "result").size == (400, 240)


def test_jobs_are_listed_newest_first_in_pages(stack: LocalStack) -> None:
    newcomer = Caller(stack.endpoint, stack.socket, stack.token_for("newcomer"))
    made = [newcomer.created()[0] for _ in range(5)]
    newcomer.cancel(made[0])
    assert [job["job_id"] for job in _pages(newcomer, limit=2)] == made[::-1]
    assert [job["job_id"] for job in _pages(newcomer, limit=2, status="cancelled")] == made[:1]
    assert _pages(newcomer, kind="upscale") == []


def test_health_and_configuration_name_the_addresses(caller: Caller) -> None:
    health = caller.http.get("/health")
    assert health.status_code == httpx2.codes.OK, health.text
    assert health.json()["status"] == "ok"
    configuration = caller.http.get("/config").json()
    assert configuration["socket_url"].startswith("ws")


def _pages(caller: Caller, **query: str | int) -> list[dict[str, object]]:
    jobs: list[dict[str, object]] = []
    while True:
        page = caller.http.get("/jobs", params=query).json()
        jobs += page["jobs"]
        if not page.get("cursor"):
            return jobs
        query["cursor"] = page["cursor"]


def _download(job: dict[str, object], name: str) -> Image.Image:
    (url,) = (picture["url"] for picture in job["result"]["pictures"] if picture["name"] == name)  # type: ignore[index]
    return Image.open(io.BytesIO(httpx2.get(url).raise_for_status().content))


def _difference(image: Image.Image, data: bytes) -> float:
    """Mean absolute difference of two pictures of one size, in 8-bit steps."""
    original = Image.open(io.BytesIO(data)).convert("RGB")
    return sum(ImageStat.Stat(ImageChops.difference(image.convert("RGB"), original)).mean) / 3


def test_kept_objects_and_points_are_unchanged_in_the_restyled_room(caller: Caller, sample: bytes) -> None:
    photo = Image.open(io.BytesIO(sample)).convert("RGB")
    found = caller.run("find_objects", {}, {"photo": sample}, engine="preview")
    assert _download(found, "result").size == photo.size
    thing = max(found["result"]["objects"], key=lambda each: each["score"])
    inside = _inside(thing["outlines"], photo.size)
    x, y = _middle(inside)

    params = {"style": "industrial", "format": "png", "keep_at": [[x / photo.width, y / photo.height]]}
    job = caller.run("restyle_room", params, {"photo": sample}, engine="preview")
    assert [each["kept"] for each in job["result"]["objects"]].count(True) == 1
    assert "layout" in {each["stage"] for each in job["timeline"] if each["cached"]}
    before, after, well = (
        np.asarray(photo),
        np.asarray(_download(job, "result")),
        cv2.erode(inside, np.ones((13, 13))) > 0,
    )
    assert well.any()
    assert np.array_equal(before[well], after[well])
    assert not np.array_equal(before[inside == 0], after[inside == 0])


def _inside(outlines: list[list[list[float]]], size: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(size[::-1], np.uint8)
    cv2.fillPoly(mask, [np.array(ring).astype(np.int32) for ring in outlines], 1)
    return mask


def _middle(inside: np.ndarray) -> tuple[int, int]:
    return cv2.minMaxLoc(cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE))[3]
