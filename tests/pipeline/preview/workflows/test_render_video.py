"""``render_video`` on the preview engine, as a caller gets it: all files are decoded again."""

import os
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyloudnorm
import pytest
from PIL import Image

from darkroom.contract.avatars import avatars
from darkroom.contract.digital_source import DigitalSource
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.video_params import RenderVideoParams
from darkroom.contract.voices import Voice
from pipeline.core.artifacts import SAVED, SavedFile, SavedPicture, SavedSubtitles, SavedVideo
from pipeline.core.stages import JobAbandoned, StageContext
from pipeline.plans import get_plan
from pipeline.scenes.intermediate_files import file_digest
from pipeline.speech.espeak import EspeakSynthesiser
from pipeline.speech.types import SAMPLE_RATE, Speech, SpeechSynthesiser, Word
from pipeline.video import FPS
from pipeline.video.decoder import decode_frames
from pipeline.video.talking_portrait import LEAD_FRAMES, TAIL_FRAMES

SILENCE = (LEAD_FRAMES + TAIL_FRAMES) / FPS


class ToneSynthesiser:
    """Synthesiser that renders each word as a tone of 0.3 s and a pause of 0.1 s."""

    about = "Bursts 1"

    def synthesise(
        self, script: str, _voice: Voice, _report: Callable[[float], None] = lambda _fraction: None
    ) -> Speech:
        tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(round(0.3 * SAMPLE_RATE)) / SAMPLE_RATE)
        texts = script.split()
        samples = np.tile(np.append(tone, np.zeros(round(0.1 * SAMPLE_RATE))).astype(np.float32), len(texts))
        return Speech(samples, tuple(Word(text, 0.4 * at, 0.4 * at + 0.3) for at, text in enumerate(texts)))


def render(folder: Path, script: str, speaker: SpeechSynthesiser | None = None, **params: Any) -> StageContext:
    folder.mkdir(exist_ok=True)
    video_params = RenderVideoParams(script=script, **{"resolution": "360p", **params})
    reports: list[float] = []
    context = StageContext(
        video_params, {"avatar": avatars()["farid"].path}, folder, speaker=speaker or ToneSynthesiser()
    )
    for stage, _ in get_plan(Kind.RENDER_VIDEO, Engine.PREVIEW).steps:
        context.enter_stage(stage, lambda fraction, _message: reports.append(fraction))
        stage.run(context)
    context.enter_stage(None)
    return context


def saved(context: StageContext) -> dict[str, SavedFile]:
    return {file.name: file for file in context[SAVED]}


def decoded_audio(path: Path) -> np.ndarray:
    """Return n×2 float32."""
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray().T for frame in container.decode(audio=0)])


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SavedFile]:
    """Return the transcript of two words without subtitles."""
    return saved(render(tmp_path_factory.mktemp("plain"), "Hello there", aspect="1:1"))


def test_a_script_becomes_a_playable_video(tmp_path: Path) -> None:
    files = saved(render(tmp_path, "one two three four five", aspect="9:16"))
    video = files["result"]
    assert isinstance(video, SavedVideo)
    assert video.path.name == "result.mp4"
    assert (video.width, video.height, video.content_type) == (360, 640, "video/mp4")
    assert video.seconds == pytest.approx(5 * 0.4 + SILENCE, abs=0.05)
    assert video.frames == round(video.seconds * FPS)
    with av.open(str(video.path)) as container:
        pictures, sounds = container.streams.video[0], container.streams.audio[0]
        assert (pictures.codec_context.name, pictures.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (sounds.codec_context.name, sounds.rate) == ("aac", SAMPLE_RATE)
        assert sum(1 for _ in container.decode(video=0)) == video.frames
    assert abs(len(decoded_audio(video.path)) / SAMPLE_RATE - video.seconds) < 0.1
    assert set(files) == {"result", "poster", "thumbnail"}
    for name in ("poster", "thumbnail"):
        picture = files[name]
        assert isinstance(picture, SavedPicture)
        with Image.open(picture.path) as image:
            assert image.size == (picture.width, picture.height)
            assert DigitalSource.TRAINED_ALGORITHMIC_MEDIA.value in str(image.info["xmp"])


def test_the_video_has_the_web_loudness(plain: dict[str, SavedFile]) -> None:
    video = plain["result"]
    assert pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(decoded_audio(video.path)) == pytest.approx(-16, abs=1)


def test_the_mouth_moves_with_the_voice(plain: dict[str, SavedFile]) -> None:
    video = plain["result"]
    sound = decoded_audio(video.path)[:, 0]
    begins = np.flatnonzero(np.abs(sound) > 0.05)[0] / SAMPLE_RATE
    frames = [frame.astype(int) for frame in decode_frames(video.path)]
    moved = [np.abs(two - one)[200:300, 120:240].mean() for one, two in pairwise(frames)]
    opens = int(np.argmax(np.array(moved) > 3 * max(np.median(moved), 0.3))) / FPS
    assert begins == pytest.approx(LEAD_FRAMES / FPS, abs=0.03)
    assert opens == pytest.approx(begins, abs=0.1)


@pytest.mark.parametrize(
    ("subtitles", "names"), [("burned", set()), ("file", {"srt", "vtt"}), ("both", {"srt", "vtt"})]
)
def test_subtitles_are_burned_or_stored_as_requested(
    tmp_path: Path, plain: dict[str, SavedFile], subtitles: str, names: set[str]
) -> None:
    files = saved(render(tmp_path, "Hello there", aspect="1:1", subtitles=subtitles))
    assert set(files) == {"result", "poster", "thumbnail"} | names
    for name in names:
        file = files[name]
        assert isinstance(file, SavedSubtitles)
        assert (file.path.name, file.language, file.cues) == (f"subtitles.{name}", "en-US", 1)
        assert "Hello there" in file.path.read_text("utf-8")
    middle = round((LEAD_FRAMES / FPS + 0.3) * FPS)
    with_, without = (list(decode_frames(each["result"].path))[middle].astype(int) for each in (files, plain))
    difference = np.abs(with_ - without).max(2)
    burned = (difference[240:] > 60).sum()
    assert (burned > 200) == (subtitles in {"burned", "both"})
    assert (difference[:200] > 60).sum() == 0
    bare, poster = (np.asarray(Image.open(each["poster"].path), int) for each in (plain, files))
    assert np.abs(poster - bare).max() < 40


def test_equal_jobs_give_equal_files(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        files = saved(render(tmp_path / name, "Hello there", aspect="1:1", subtitles="both"))
        digests.append({name: file_digest(file.path) for name, file in files.items()})
    assert set(digests[0]) == {"result", "poster", "thumbnail", "srt", "vtt"}
    assert digests[0] == digests[1]


def test_espeak_synthesises_a_script(tmp_path: Path) -> None:
    speaker = EspeakSynthesiser()
    context = render(tmp_path, "Good morning.", speaker, aspect="16:9", subtitles="file")
    video = saved(context)["result"]
    assert isinstance(video, SavedVideo)
    assert (video.width, video.height) == (640, 360)
    assert 0.6 + SILENCE < video.seconds < 2.5 + SILENCE
    assert any(speaker.about in note for note in context.notes)
    assert "00:00:00" in saved(context)["srt"].path.read_text("utf-8")


def test_the_only_video_file_is_the_result(tmp_path: Path) -> None:
    render(tmp_path, "one", aspect="1:1")
    assert [path.name for path in tmp_path.iterdir() if path.suffix in {".mp4", ".mkv"}] == ["result.mp4"]


def test_a_cancelled_job_leaves_no_files(tmp_path: Path) -> None:
    params = RenderVideoParams(script="one two", resolution="360p", aspect="1:1")
    context = StageContext(params, {"avatar": avatars()["farid"].path}, tmp_path, speaker=ToneSynthesiser())

    def report(fraction: float, _message: str) -> None:
        if fraction > 0.4:
            raise JobAbandoned

    def stopped() -> None:
        for each, _ in get_plan(Kind.RENDER_VIDEO, Engine.PREVIEW).steps:
            context.enter_stage(each, report if each.name == "encode" else lambda _fraction, _message: None)
            each.run(context)

    with pytest.raises(JobAbandoned):
        stopped()
    assert SAVED not in context
    assert not (tmp_path / "result.mp4").exists()
    opened = {link.resolve() for link in Path("/proc/self/fd").iterdir() if link.exists()} if os.name == "posix" else ()
    assert not [path for path in opened if tmp_path in path.parents]


def test_memory_grows_only_with_the_audio(tmp_path: Path) -> None:
    peaks = []
    for words in (1, 7):
        tracemalloc.start()
        render(tmp_path / str(words), "a " * words, aspect="1:1")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # 60 frames more would be 23 MB; 2.4 s of sound are 0.5 MB each time they are copied.
    assert peaks[1] - peaks[0] < 6e6
