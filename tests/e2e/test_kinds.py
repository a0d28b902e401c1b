"""Other picture kinds, end to end on both engines: inpainting, generation, face swap, upscaling."""

import io
from pathlib import Path

import httpx2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.e2e import pictures
from tests.e2e.caller import Caller, picture

DATA = Path(__file__).parents[1] / "data"
ENGINES = ("preview", "models")


def mask(*box: int, size: tuple[int, int] = (320, 240)) -> bytes:
    """White within the box, black around it."""
    image = Image.new("L", size)
    ImageDraw.Draw(image).rectangle(box, fill=255)
    return pictures.encode(image, "PNG")


@pytest.fixture(scope="module")
def faces() -> dict[str, bytes]:
    """A portrait, and another to put its face into."""
    return {role: (DATA / f"face_{role}.jpg").read_bytes() for role in ("source", "target")}


@pytest.fixture(scope="module")
def squares() -> dict[str, bytes]:
    """Red squares, which are what the tiny detector takes for faces."""
    found = {}
    for role, left in (("source", 320), ("target", 64)):
        image = Image.effect_noise((640, 480), 30).convert("RGB")
        ImageDraw.Draw(image).rectangle((left, 200, left + 39, 239), fill=(255, 0, 0))
        found[role] = pictures.encode(image, "PNG")
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_inpainting_changes_only_the_masked_area(caller: Caller, engine: str) -> None:
    photo = pictures.encode(pictures.room(), "PNG")
    job = caller.run("inpaint", {}, {"photo": photo, "mask": mask(0, 0, 30, 30)}, engine=engine)

    result = picture(job)
    before, after = np.asarray(pictures.room()), np.asarray(result.convert("RGB"))
    outside = np.ones(before.shape[:2], bool)
    outside[:31, :31] = False
    assert job["result"]["engine"] == engine
    assert np.array_equal(before[outside], after[outside])
    assert not np.array_equal(before[:24, :24], after[:24, :24])
    assert "compositeWithTrainedAlgorithmicMedia" in str(result.info)


def test_inpainting_with_a_prompt_uses_the_inpainting_model(caller: Caller) -> None:
    files = {"photo": pictures.jpeg(), "mask": mask(100, 80, 200, 160)}
    job = caller.run("inpaint", {"prompt": "a brass lamp", "steps": 2}, files, engine="models")
    assert picture(job).size == (320, 240)
    assert "sd15-inpainting" in {model["id"] for model in job["result"]["models"]}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (mask(0, 0, 30, 30, size=(64, 64)), "64×64"),
        (mask(-2, -2, -1, -1), "white"),
    ],
)
def test_an_invalid_mask_is_reported_with_the_reason(caller: Caller, wrong: bytes, says: str) -> None:
    job = caller.run("inpaint", {}, {"photo": pictures.jpeg(), "mask": wrong})
    assert (job["state"], job["error"]["code"], job["error"]["retryable"]) == ("failed", "invalid_mask", False)
    assert says in job["error"]["message"]


def test_pictures_are_generated_from_a_prompt_without_upload(caller: Caller) -> None:
    params = {"prompt": "a red bicycle", "aspect": "16:9", "count": 2, "style": "flat", "seed": 5}
    job = caller.run("generate", params, engine="models")
    first, second = picture(job), picture(job, "result-2")
    assert first.size == second.size
    assert first.width > first.height
    assert job["result"]["seed"] == 5
    assert first.tobytes() != second.tobytes()
    assert "sdxl-lightning" in {model["id"] for model in job["result"]["models"]}


def test_a_kind_that_the_engine_lacks_is_rejected_before_creation(caller: Caller) -> None:
    before = len(caller.http.get("/jobs", params={"kind": "generate", "limit": 100}).json()["jobs"])
    response = caller.submit("generate", {"prompt": "a red bicycle"}, engine="preview")
    assert response.is_client_error
    assert response.json()["code"] == "engine_unavailable"
    assert "models" in response.json()["detail"]
    assert len(caller.http.get("/jobs", params={"kind": "generate", "limit": 100}).json()["jobs"]) == before


@pytest.mark.parametrize(("engine", "fixture_name"), [("preview", "faces"), ("models", "squares")])
def test_a_face_is_swapped_into_another_picture(
    caller: Caller, engine: str, fixture_name: str, request: pytest.FixtureRequest
) -> None:
    files = request.getfixturevalue(fixture_name)
    job = caller.run("face_swap", {"consent": True, "format": "png"}, files, engine=engine)
    result = picture(job)
    with Image.open(io.BytesIO(files["target"])) as target:
        assert result.size == target.size
        changed = np.asarray(result.convert("RGB")) != np.asarray(target.convert("RGB"))
    assert changed.any()
    assert not changed[:8].any()
    assert [found["label"] for found in job["result"]["objects"]] == ["face"]
    assert "compositeWithTrainedAlgorithmicMedia" in str(result.info)


def test_face_swap_without_consent_is_rejected(caller: Caller) -> None:
    for consent in ({}, {"consent": False}):
        response = caller.submit("face_swap", consent, {"source": b"", "target": b""})
        assert response.status_code == httpx2.codes.UNPROCESSABLE_CONTENT
        assert response.json()["errors"][0]["field"] == "params.consent"


def test_a_picture_without_a_face_is_named_in_the_error(caller: Caller, faces: dict[str, bytes]) -> None:
    job = caller.run("face_swap", {"consent": True}, {"source": faces["source"], "target": pictures.jpeg()})
    assert (job["state"], job["error"]["code"]) == ("failed", "no_face")
    assert "target" in job["error"]["message"]


@pytest.mark.parametrize(("engine", "content"), [("preview", "photo"), ("models", "photo"), ("models", "anime")])
def test_a_picture_is_upscaled_by_a_fractional_scale(caller: Caller, engine: str, content: str) -> None:
    files = {"photo": pictures.jpeg(101, 67)}
    job = caller.run("upscale", {"scale": 2.5, "content": content}, files, engine=engine)
    assert picture(job).size == (252, 168)
    assert job["result"]["engine"] == engine
