"""Contact sheets of videos, and the demos of the video kinds."""

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from darkroom.cli import app
from infra.commands.comparison_sheet import MARK
from infra.commands.contact_sheet import FRAMES, LINE, STRIP, WIDTH, clock, contact_sheet, cues
from pipeline.speech.types import SAMPLE_RATE
from pipeline.video import FPS
from pipeline.video.encoder import VideoWriter
from tests.darkroom.fake_service import Service
from tests.darkroom.video_jobs import CUES, completed_video_job

SECONDS = 2


def film(path: Path, width: int, height: int, *, silent: bool = False) -> Path:
    """Two seconds that go from black to white, with a tone in the second one."""
    time = np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    tone = np.where(time > 1, 0.8 * np.sin(2 * np.pi * 440 * time), 0).astype(np.float32)
    with VideoWriter(path, width, height, sound=None if silent else iter([np.stack([tone, tone], 1)])) as writer:
        for number in range(SECONDS * FPS):
            writer.write(np.full((height, width, 3), number * 255 // (SECONDS * FPS), np.uint8))
    return path


@pytest.mark.parametrize(("size", "rows"), [((90, 160), 1), ((160, 90), 2), ((64, 64), 2)])
def test_frames_are_taken_evenly_from_the_whole_video(tmp_path: Path, size: tuple[int, int], rows: int) -> None:
    with Image.open(contact_sheet(film(tmp_path / "film.mp4", *size), tmp_path / "frames.png")) as sheet:
        assert sheet.width == WIDTH
        columns = FRAMES // rows
        across, down = WIDTH / columns, (WIDTH / columns) * size[1] / size[0]
        seen = [
            sheet.getpixel(
                (int((number % columns + 0.5) * across), int((number // columns) * (down + 40) + 48 + down / 2))
            )
            for number in range(FRAMES)
        ]
    grey = [pixel[0] for pixel in seen if isinstance(pixel, tuple)]
    wanted = [(number + 0.5) / FRAMES * 255 for number in range(FRAMES)]
    assert np.abs(np.subtract(grey, wanted)).max() < 12


def test_the_waveform_and_the_cues_are_drawn_at_their_times(tmp_path: Path) -> None:
    video = film(tmp_path / "film.mp4", 90, 160)
    plain = np.asarray(Image.open(contact_sheet(video, tmp_path / "plain.png")))
    (tmp_path / "film.srt").write_text(CUES.partition("\n\n")[0])
    worded = np.asarray(Image.open(contact_sheet(video, tmp_path / "worded.png")))
    below = plain[-(STRIP + 4 * LINE) :]  # under the frames
    ink = (below < 128).all(axis=2).sum(axis=0)
    assert ink[20 : WIDTH // 2 - 40].max() <= 3
    assert ink[WIDTH // 2 + 40 : -20].min() > 60
    mark = tuple(int(MARK[place : place + 2], 16) for place in (1, 3, 5))
    marked = (worded == mark).all(axis=2).any(axis=0).nonzero()[0]
    assert (marked.min() < 20, abs(marked.max() - WIDTH * 0.45) < 30) == (True, True)


def test_a_video_without_audio_has_a_sheet_too(tmp_path: Path) -> None:
    assert contact_sheet(film(tmp_path / "film.mp4", 64, 64, silent=True), tmp_path / "frames.png").exists()


def test_cues_are_read_with_any_line_endings() -> None:
    found = cues(CUES.replace("\n", "\r\n"))
    assert [(cue.start, cue.end, cue.text) for cue in found] == [(0, 0.9, "Hello there."), (61.25, 62, "Bye.")]
    assert clock(found[1].start) == "1:01.2"
    assert cues("no cue at all") == []


@pytest.fixture
def shown(service: Service, tmp_path: Path) -> bytes:
    """The fake's jobs end with this video."""
    data = film(tmp_path / "film.mp4", 90, 160).read_bytes()
    service.story = [completed_video_job(service, video=data)]
    return data


def demo(kind: str, *words: object) -> Result:
    return CliRunner().invoke(app, ["demo", "--kind", kind, *map(str, words)])


def uploads(service: Service) -> dict[str, Any]:
    return [body for method, path, _, body in service.requests if (method, path) == ("POST", "/jobs")][-1]["uploads"]


def test_a_video_demo_saves_video_subtitles_and_sheet(
    runtime: Path, service: Service, shown: bytes, photo: Path
) -> None:
    result = demo("render_video")
    assert result.exit_code == 0, result.output
    assert Path("out/demo/result.mp4").read_bytes() == shown
    names = [f"out/demo/{name}" for name in ("result.mp4", "result.srt", "result.vtt", "frames.png")]
    assert [name for name in names if not Path(name).exists() or name not in result.stdout] == []
    assert uploads(service) == {"avatar": {"avatar": "amara"}}
    assert "make demo KIND=render_video PHOTO=me.jpg" in result.stdout
    refused = demo("render_video", photo)
    assert (refused.exit_code, "--consent" in refused.stderr) == (2, True)
    assert demo("render_video", photo, "--consent").exit_code == 0
    assert service.uploads[-1]["file"] == photo.read_bytes()
    assert runtime.read_text().split() == ["up", "down"] * 2


def test_the_scenes_demo_accepts_a_photo(runtime: Path, service: Service, shown: bytes, photo: Path) -> None:
    assert demo("render_scenes").exit_code == 0
    assert set(uploads(service)) == {"scene_1_picture", "scene_2_avatar", "music"}
    assert demo("render_scenes", photo).exit_code == 0
    sent = {each["key"]: each["file"] for each in service.uploads}
    assert sent[b"uploads/a/scene_1_picture"] == photo.read_bytes()
    wrong = demo("render_scenes", "--mask", photo)
    assert (wrong.exit_code, "render_scenes takes PHOTO" in wrong.stderr) == (2, True)


def test_without_pyav_the_demo_writes_no_sheet(runtime: Path, shown: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    known = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "av":
            raise ModuleNotFoundError("No module named 'av'", name="av")
        return known(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    result = demo("render_video")
    assert result.exit_code == 0, result.output
    assert "pip install av" in result.stdout
    assert Path("out/demo/result.mp4").exists()
    assert not Path("out/demo/frames.png").exists()
