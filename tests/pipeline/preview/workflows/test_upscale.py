"""``upscale`` on the preview engine: its results."""

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from darkroom.contract.params import UpscaleParams
from pipeline.core.artifacts import QUALITY, RESULT, SAVED
from pipeline.core.stages import JobAbandoned, StageContext
from pipeline.plans import get_plan
from pipeline.preview.workflows import upscale


def run(picture: Path, scale: float = 2, **params: Any) -> StageContext:
    context = StageContext(UpscaleParams(scale=scale, **params), {"photo": picture}, picture.parent)
    for stage, _ in get_plan(Kind.UPSCALE, Engine.PREVIEW).steps:
        context.enter_stage(stage)
        stage.run(context)
    context.enter_stage(None)
    return context


def test_the_enlarged_sample_matches_the_original(sample, tmp_path: Path) -> None:
    small = cv2.resize(sample.rgb, (640, 480), interpolation=cv2.INTER_AREA)
    Image.fromarray(small).save(tmp_path / "in.png")
    context = run(tmp_path / "in.png")
    original = sample.rgb.astype(np.float32)
    error = np.abs(context[RESULT].astype(np.float32) - original).mean()
    plain = cv2.resize(small, (1280, 960), interpolation=cv2.INTER_NEAREST).astype(np.float32)
    assert error < np.abs(plain - original).mean()
    assert context[QUALITY].score > 0.85
    assert [picture.name for picture in context[SAVED]] == ["result", "thumbnail"]


@pytest.mark.parametrize("scale", [1.5, 3])
def test_bands_leave_no_seams(tmp_path: Path, sample: Any, monkeypatch: pytest.MonkeyPatch, scale: float) -> None:
    Image.fromarray(sample.rgb[:300, :400]).save(tmp_path / "in.png")
    whole = run(tmp_path / "in.png", scale)[RESULT].astype(int)
    monkeypatch.setattr(upscale, "BAND_PIXELS", 400 * 50)
    cut = run(tmp_path / "in.png", scale)[RESULT].astype(int)
    assert np.abs(whole - cut).max() <= 1


@pytest.mark.parametrize("scale", [1.3, 2, 2.5, 4])
def test_edges_get_no_halos(tmp_path: Path, scale: float) -> None:
    picture = np.full((60, 80, 3), 60, np.uint8)
    picture[20:40, 30:50] = 190
    Image.fromarray(picture).save(tmp_path / "in.png")
    result = run(tmp_path / "in.png", scale)[RESULT]
    assert (result.min(), result.max()) == (60, 190)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_result_is_closer_to_the_original_than_bicubic(tmp_path: Path, sample: Any, scale: int) -> None:
    height, width = sample.rgb.shape[0] // scale, sample.rgb.shape[1] // scale
    original = sample.rgb[: height * scale, : width * scale].astype(np.float32)
    small = cv2.resize(original, (width, height), interpolation=cv2.INTER_AREA).round().astype(np.uint8)
    Image.fromarray(small).save(tmp_path / "in.png")
    bicubic = np.asarray(Image.fromarray(small).resize((width * scale, height * scale), Image.Resampling.BICUBIC))
    ours = run(tmp_path / "in.png", scale)[RESULT]
    assert np.square(ours - original).mean() < 0.8 * np.square(bicubic - original).mean()


def test_alpha_is_kept_in_a_png(tmp_path: Path) -> None:
    pixels = np.zeros((50, 60, 4), np.uint8)
    pixels[..., 0] = 200
    pixels[:, 30:, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "in.png")
    result = run(tmp_path / "in.png", 3)[SAVED][0]
    assert (result.content_type, result.path.suffix) == ("image/png", ".png")
    with Image.open(result.path) as image:
        assert (image.mode, image.size) == ("RGBA", (180, 150))
        alpha = np.asarray(image.getchannel("A"))
        assert alpha[75, 20] == 0
        assert alpha[75, 160] == 255
        assert "trainedAlgorithmicMedia" in image.info["XML:com.adobe.xmp"]


def test_transparent_colours_do_not_bleed_into_the_edges(tmp_path: Path) -> None:
    pixels = np.zeros((40, 60, 4), np.uint8)
    pixels[:, 30:] = (250, 240, 200, 255)
    Image.fromarray(pixels).save(tmp_path / "in.png")
    with Image.open(run(tmp_path / "in.png", 4)[SAVED][0].path) as image:
        result = np.asarray(image)
    seen = result[result[..., 3] > 0][:, :3].astype(int)
    assert np.abs(seen - (250, 240, 200)).max() <= 1


def test_the_thumbnail_is_composited_on_white(tmp_path: Path) -> None:
    pixels = np.full((400, 700, 4), 255, np.uint8)
    pixels[:200] = (200, 30, 40, 255)
    pixels[200:, :, 3] = 0
    Image.fromarray(pixels).save(tmp_path / "in.png")
    result, thumbnail = run(tmp_path / "in.png", 3)[SAVED]
    assert (result.width, result.height) == (2100, 1200)
    with Image.open(thumbnail.path) as image:
        assert image.size == (480, 274)
        small = np.asarray(image).astype(int)
    assert np.abs(small[:130] - (200, 30, 40)).max() <= 3
    assert np.abs(small[144:] - 255).max() <= 3


def test_the_result_has_the_requested_format(sample_path: Path, tmp_path: Path) -> None:
    picture = Path(shutil.copy(sample_path, tmp_path))
    assert run(picture, 1.5)[SAVED][0].content_type == "image/jpeg"
    context = run(picture, 1.5, format="png")
    assert context[SAVED][0].content_type == "image/png"
    with Image.open(context[SAVED][0].path) as image:
        assert np.array_equal(np.asarray(image), context[RESULT])


def test_params_without_effect_add_notes(sample_path: Path, tmp_path: Path) -> None:
    picture = Path(shutil.copy(sample_path, tmp_path))
    assert run(picture, 1.1).notes == []
    assert "content had no effect" in run(picture, 1.1, content="anime").notes[0]


def test_a_too_large_result_is_rejected_before_enlarging(tmp_path: Path) -> None:
    Image.new("RGB", (8000, 2000)).save(tmp_path / "in.png")
    with pytest.raises(DarkroomError, match="32000×8000") as raised:
        run(tmp_path / "in.png", 4)
    assert raised.value.detail.code is ErrorCode.TOO_LARGE


def test_a_jpeg_with_too_long_sides_is_rejected(tmp_path: Path) -> None:
    Image.new("RGB", (16_384, 32)).save(tmp_path / "in.png")
    with pytest.raises(DarkroomError, match="PNG") as raised:
        run(tmp_path / "in.png", 4)
    assert raised.value.detail.code is ErrorCode.TOO_LARGE
    saved = run(tmp_path / "in.png", 4, format="png")[SAVED]
    assert [(picture.width, picture.height) for picture in saved] == [(65_536, 128), (480, 1)]


def test_cancellation_takes_effect_while_enlarging(sample_path: Path, tmp_path: Path) -> None:
    fractions: list[float] = []

    def report(fraction: float, _message: str) -> None:
        fractions.append(fraction)
        raise JobAbandoned

    context = StageContext(UpscaleParams(scale=4), {"photo": sample_path}, tmp_path, report)
    stages = [stage for stage, _ in get_plan(Kind.UPSCALE, Engine.PREVIEW).steps]
    stages[0].run(context)
    with pytest.raises(JobAbandoned):
        stages[1].run(context)
    assert 0 < fractions[0] < 0.3


@given(width=st.integers(32, 300), height=st.integers(32, 300), scale=st.floats(1.001, 4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sides_are_multiplied_and_rounded(tmp_path: Path, width: int, height: int, scale: float) -> None:
    colour = (90, 140, 200)
    Image.new("RGB", (width, height), colour).save(tmp_path / "in.png")
    context = run(tmp_path / "in.png", scale)
    assert context[RESULT].shape == (round(height * scale), round(width * scale), 3)
    assert np.abs(context[RESULT].astype(int) - colour).max() <= 1
