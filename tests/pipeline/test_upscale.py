"""``upscale`` on the preview engine, as a caller sees it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.artifacts import QUALITY, RESULT, SAVED
from pipeline.errors import DarkroomError, ErrorCode
from pipeline.kinds import plan
from pipeline.params import UpscaleParams
from pipeline.preview.upscale import BAND
from pipeline.requests import Engine, Kind
from pipeline.stages import Work


def run(picture: Path, scale: float = 2) -> Work:
    work = Work(UpscaleParams(scale=scale), {"photo": picture}, picture.parent)
    for stage, _ in plan(Kind.UPSCALE, Engine.PREVIEW).steps:
        work.enter(stage)
        stage.run(work)
    work.enter(None)
    return work


def test_the_sample_is_enlarged_faithfully(sample, tmp_path: Path) -> None:
    small = cv2.resize(sample.rgb, (640, 480), interpolation=cv2.INTER_AREA)
    Image.fromarray(small).save(tmp_path / "in.png")
    work = run(tmp_path / "in.png")
    original = sample.rgb.astype(np.float32)
    error = np.abs(work[RESULT].astype(np.float32) - original).mean()
    plain = cv2.resize(small, (1280, 960), interpolation=cv2.INTER_NEAREST).astype(np.float32)
    assert error < np.abs(plain - original).mean()
    assert work[QUALITY].score > 0.85
    assert [picture.name for picture in work[SAVED]] == ["result", "thumbnail"]


def test_bands_leave_no_seams(tmp_path: Path) -> None:
    y, x = np.mgrid[0:700, 0:64]
    Image.fromarray(np.stack([y * 255 / 700, x * 3, 0 * x], -1).astype(np.uint8)).save(tmp_path / "in.png")
    result = run(tmp_path / "in.png")[RESULT].astype(int)
    steps = np.abs(np.diff(result, axis=0)).max(axis=(1, 2))
    assert steps[BAND - 1] <= np.sort(steps)[-20]


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


def test_too_large_a_result_is_refused_before_any_work(tmp_path: Path) -> None:
    Image.new("RGB", (4000, 2000)).save(tmp_path / "in.png")
    with pytest.raises(DarkroomError, match="16000×8000") as caught:
        run(tmp_path / "in.png", 4)
    assert caught.value.detail.code is ErrorCode.TOO_LARGE


@given(width=st.integers(32, 300), height=st.integers(32, 300), scale=st.floats(1.001, 4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sides_are_multiplied_and_rounded(tmp_path: Path, width: int, height: int, scale: float) -> None:
    colour = (90, 140, 200)
    Image.new("RGB", (width, height), colour).save(tmp_path / "in.png")
    work = run(tmp_path / "in.png", scale)
    assert work[RESULT].shape == (round(height * scale), round(width * scale), 3)
    assert np.abs(work[RESULT].astype(int) - colour).max() <= 1
