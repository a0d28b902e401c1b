"""Output files of a video job."""

from itertools import groupby
from pathlib import Path

import av
import numpy as np
import pytest

from darkroom.contract.video_params import RenderVideoParams
from pipeline.core.arrays import Rgb
from pipeline.core.stages import StageContext
from pipeline.speech.types import SAMPLE_RATE, Speech, Transcript
from pipeline.subtitles.cues import Cue
from pipeline.video import FPS, files
from pipeline.video.clip import ClipFile, RenderedClip
from pipeline.video.decoder import decode_frames
from pipeline.video.encoder import encode_video
from pipeline.video.files import EncodeVideo, cropped_frames
from pipeline.video.talking_portrait import CLIP, CUES, SPEECH, TRANSCRIPT

WIDTH, HEIGHT = 640, 360


def test_subtitles_on_a_still_picture_disappear_in_time(tmp_path: Path) -> None:
    grey = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    encode_video(tmp_path / "clip.mp4", [grey] * 2, None, WIDTH, HEIGHT, intermediate=True)
    context = StageContext(
        RenderVideoParams(script="Read this", subtitles="burned", aspect="16:9", resolution="360p"), {}, tmp_path
    )
    context[CLIP] = ClipFile(tmp_path / "clip.mp4")
    context[SPEECH] = Speech(np.zeros(2 * SAMPLE_RATE, np.float32), ())
    context[TRANSCRIPT] = Transcript((), "en-US")
    context[CUES] = (Cue(0.2, 1.0, ("Read this",)),)
    EncodeVideo().run(context)
    frames = list(decode_frames(tmp_path / "result.mp4"))
    assert len(frames) == 2 * FPS
    swings = [float(np.ptp(frame[..., 1])) for frame in frames]
    assert max(swings[:5]) < 20
    assert min(swings[6:24]) > 100
    assert max(swings[26:]) < 20


def encoded(folder: Path, cues: tuple[Cue, ...], subtitles: str, language: str) -> StageContext:
    """Encode a second of grey with subtitles."""
    grey = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    encode_video(folder / "clip.mp4", [grey] * 2, None, WIDTH, HEIGHT, intermediate=True)
    params = RenderVideoParams(script="", subtitles=subtitles, aspect="16:9", resolution="360p")
    context = StageContext(params, {}, folder)
    context[CLIP] = ClipFile(folder / "clip.mp4")
    context[SPEECH] = Speech(np.zeros(SAMPLE_RATE, np.float32), ())
    context[TRANSCRIPT] = Transcript((), language)
    context[CUES] = cues
    EncodeVideo().run(context)
    return context


def test_words_of_a_recording_that_no_font_has_are_in_files(tmp_path: Path) -> None:
    context = encoded(tmp_path, (Cue(0.0, 1.0, ("ᠮᠣᠩᠭᠣᠯ",)),), "burned", "mn")
    assert context.notes == [
        "The subtitles are in files instead of the picture: no font here has ᠮ (U+182E), ᠣ (U+1823), ᠩ (U+1829), "
        "ᠭ (U+182D), ᠯ (U+182F)."
    ]
    assert "ᠮᠣᠩᠭᠣᠯ" in (tmp_path / "subtitles.vtt").read_text("utf-8")
    assert max(float(np.ptp(frame[..., 1])) for frame in decode_frames(tmp_path / "result.mp4")) < 20


def test_hindi_is_burned_in_and_named_in_the_files(tmp_path: Path) -> None:
    context = encoded(tmp_path, (Cue(0.0, 1.0, ("नमस्ते",)),), "both", "hi")
    assert context.notes == []
    assert "Language: hi" in (tmp_path / "subtitles.vtt").read_text("utf-8")
    assert max(float(np.ptp(frame[..., 1])) for frame in decode_frames(tmp_path / "result.mp4")) > 100


def test_a_note_names_what_is_left_out_of_the_picture(tmp_path: Path) -> None:
    context = encoded(tmp_path, (Cue(0.0, 1.0, ("Party 🎉 \U0001f469\u200d\U0001f467 ok\ufe0f",)),), "burned", "en")
    assert context.notes == [
        "Left out of the subtitles in the picture, as no font here has it: 🎉 \U0001f469\u200d\U0001f467"
    ]
    assert list(tmp_path.glob("subtitles.*")) == []


def test_progress_images_and_the_seconds_done_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PROGRESS_IMAGE_SECONDS", 0.0)
    messages: list[str] = []
    images: list[Rgb] = []
    context = StageContext(
        RenderVideoParams(script="Hm", aspect="16:9", resolution="360p"),
        {},
        tmp_path,
        lambda _fraction, message: messages.append(message),
        report_progress_image=images.append,
    )
    levels = (np.full((HEIGHT, WIDTH, 3), 3 * number, np.uint8) for number in range(3 * FPS))
    context[CLIP] = RenderedClip(lambda: (yield from levels))
    context[SPEECH] = Speech(np.zeros(3 * SAMPLE_RATE, np.float32), ())
    context[TRANSCRIPT], context[CUES] = Transcript((), "en-US"), ()
    EncodeVideo().run(context)
    assert [message for message, _ in groupby(filter(None, messages))] == [
        f"Encoding the video: {seconds} of 3 s" for seconds in range(4)
    ]
    assert [int(image.mean()) for image in images] == list(range(0, 3 * 3 * FPS, 3))
    assert images[0].shape == (144, 256, 3)


def test_a_clip_without_frames_raises_value_error(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "clip.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        container.start_encoding()
    with pytest.raises(ValueError, match="a clip has no frames"):
        next(cropped_frames(ClipFile(tmp_path / "clip.avi"), WIDTH, HEIGHT, FPS))
