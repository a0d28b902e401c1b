"""Models engine behind the whole event path, on tiny weights in the real layouts."""

import io

import httpx2
import pytest
from PIL import Image

from infra.local.stack import LocalStack
from tests.e2e.caller import Caller, upload


@pytest.fixture(scope="module")
def photo(sample: bytes) -> bytes:
    """The sample, small: what these weights see in it is nothing anyway."""
    with Image.open(io.BytesIO(sample)) as image:
        file = io.BytesIO()
        image.convert("RGB").resize((320, 240)).save(file, "JPEG")
    return file.getvalue()


def test_the_models_engine_restyles_a_photo_and_names_its_models(caller: Caller, photo: bytes) -> None:
    job = caller.restyle(photo, engine="models", steps=2, format="png")

    assert job["state"] == "completed", job["error"]
    result = job["result"]
    assert result["engine"] == "models"
    assert {"sd15", "control-depth", "control-canny", "yolo11n"} <= {model["id"] for model in result["models"]}
    assert result["room"]["confidence"] > 0
    assert job["preview"] is None
    picture = next(each for each in result["pictures"] if each["name"] == "result")
    assert picture["content_type"] == "image/png"
    with Image.open(io.BytesIO(httpx2.get(picture["url"]).content)) as image:
        assert image.size == (320, 240)


def test_a_second_style_of_the_same_photo_reuses_cached_stages(caller: Caller, photo: bytes) -> None:
    caller.restyle(photo, engine="models", steps=1)
    again = caller.restyle(photo, engine="models", steps=1, style="boho")
    cached = {entry["stage"] for entry in again["timeline"] if entry["cached"]}
    assert cached == {"detect", "segment", "classify", "depth", "edges"}


def test_subscribers_get_progress_images(caller: Caller, photo: bytes) -> None:
    job_id, ticket = caller.created(engine="models", steps=50, profile="quality")
    with caller.socket() as socket:
        socket.send(action="subscribe", job_id=job_id)
        upload(ticket, photo)
        progress_image = next(job["preview"] for job in socket.jobs(job_id) if job["preview"])
        answer = httpx2.get(progress_image["url"])
        assert answer.is_success, answer.text
        with Image.open(io.BytesIO(answer.content)) as image:
            assert image.size == (progress_image["width"], progress_image["height"])
        assert caller.cancel(job_id).is_success


def test_a_cancelled_job_stops_within_the_denoising_stage(caller: Caller, stack: LocalStack, photo: bytes) -> None:
    job_id, ticket = caller.created(engine="models", steps=50, profile="quality")
    with caller.socket() as socket:
        socket.send(action="subscribe", job_id=job_id)
        upload(ticket, photo)
        next(job for job in socket.jobs(job_id) if "step" in job["message"])
        caller.cancel(job_id)
    stack.wait_idle()
    bucket = stack.client("s3").list_objects_v2(Bucket=stack.bucket, Prefix=f"results/{job_id}/")
    assert bucket["KeyCount"] == 0
    assert "diffuse" not in [entry["stage"] for entry in caller.get(job_id)["timeline"]]
