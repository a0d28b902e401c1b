"""``render_scenes`` on the preview engine: whole videos, decoded again."""

import re
import threading
from itertools import pairwise

import numpy as np
import pyloudnorm
import pytest
from PIL import Image

from darkroom.contract.avatars import avatars
from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.artifacts import SavedVideo
from pipeline.core.stages import JobAbandoned
from pipeline.preview.workflows.render_scenes import plan
from pipeline.speech.types import SAMPLE_RATE
from pipeline.video import FPS
from tests.pipeline.scenes.scene_rendering import (
    COLOURS,
    MUSIC_TONE,
    WORD_SECONDS,
    Reporter,
    VideoRenderer,
    tone,
    tone_amplitude,
    write_wav,
)

WIDTH = HEIGHT = 360


@pytest.fixture
def renderer(tmp_path):
    return VideoRenderer(tmp_path)


def image(picture, **scene):
    return {"type": "image", "picture": picture, **scene}


def shows(pixels, colour):
    return np.abs(pixels.reshape(-1, 3).mean(0) - COLOURS[colour]).max() < 6


def test_scenes_follow_each_other_with_the_requested_lengths(renderer):
    reporter = Reporter()
    scenes = [image("red", seconds=1), image("green", seconds=1.2), image("blue", seconds=0.8)]
    video = renderer.render(plan(), scenes, reporter)
    assert video.frames.shape == (75, HEIGHT, WIDTH, 3)
    for start, end, colour in ((0, 25, "red"), (25, 55, "green"), (55, 75, "blue")):
        assert all(shows(frame, colour) for frame in video.frames[start:end])
    saved = {file.name: file for file in video.finished.files}
    assert isinstance(saved["result"], SavedVideo)
    assert (saved["result"].seconds, saved["result"].frames) == (3, 75)
    assert {"poster", "thumbnail"} <= set(saved)
    assert len(video.sound) / SAMPLE_RATE == pytest.approx(3, abs=0.1)
    assert np.abs(video.sound).max() < 0.001
    assert len(reporter.progress_images) >= 3
    assert "Making the scenes: 3 of 3 done" in reporter.messages


def test_a_fade_mixes_both_scenes_and_a_slide_shows_them_side_by_side(renderer):
    scenes = [image("red", seconds=1), image("green", seconds=2, transition="fade"), image("blue", transition="slide")]
    video = renderer.render(plan(), scenes, transition_seconds=0.6)
    shared = 15
    assert len(video.frames) == 30 + 50 + 100 - 2 * shared
    middle = video.frames[30 - shared // 2 - 1]
    both = (np.array(COLOURS["red"]) + COLOURS["green"]) / 2
    assert np.abs(middle.reshape(-1, 3).mean(0) - both).max() < 10
    sliding = video.frames[30 - shared + 50 - shared // 2 - 1]
    assert shows(sliding[:, : WIDTH // 2 - 20], "green")
    assert shows(sliding[:, WIDTH // 2 + 20 :], "blue")


def test_each_scenes_speech_is_heard_while_it_is_visible_alone(renderer):
    scenes = [image("red", script="One two"), image("green"), image("blue", script="three")]
    video = renderer.render(plan(), scenes, transition="fade", transition_seconds=0.4)
    audible = np.abs(video.level) > 0.02
    # 0.2 s of silence before what is said, 0.4 s of it after that and a transition of 0.4 s.
    first, last = np.flatnonzero(audible[: 2 * SAMPLE_RATE])[[0, -1]] / SAMPLE_RATE
    assert (first, last) == pytest.approx((0.2, 0.2 + 0.35 + WORD_SECONDS), abs=0.03)
    start, end = np.flatnonzero(audible[2 * SAMPLE_RATE :])[[0, -1]] / SAMPLE_RATE + 2
    third = len(video.frames) / FPS - 0.4 - 0.35
    assert (start, end) == pytest.approx((third, third + WORD_SECONDS), abs=0.06)
    assert any("synthesised" in note for note in video.finished.notes)


@pytest.mark.parametrize("loudness", [-16, -23])
def test_the_result_has_the_requested_loudness(renderer, loudness):
    renderer.files["music"] = write_wav(tone(MUSIC_TONE, 2), renderer.folder / "music.wav")
    video = renderer.render(plan(), [image("red", script="One two three"), image("green")], loudness=loudness)
    assert pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(video.sound) == pytest.approx(loudness, abs=1)


def test_music_is_ducked_under_speech(renderer):
    renderer.files["music"] = write_wav(tone(MUSIC_TONE, 2), renderer.folder / "music.wav")
    words = " ".join(["word"] * 10)
    video = renderer.render(plan(), [image("red", script=words), image("green", seconds=6)])
    speaking, silent = slice(1 * SAMPLE_RATE, 3 * SAMPLE_RATE), slice(6 * SAMPLE_RATE, 8 * SAMPLE_RATE)
    assert 0 < tone_amplitude(MUSIC_TONE, video.level[speaking]) < 0.5 * tone_amplitude(MUSIC_TONE, video.level[silent])


TIME = re.compile(r"(\d\d):(\d\d):(\d\d)\.(\d{3})")


def seconds(text):
    hours, minutes, whole, thousandths = map(int, TIME.fullmatch(text).groups())
    return hours * 3600 + minutes * 60 + whole + thousandths / 1000


def cues(vtt):
    """Return the frames of each scene, and its speech."""
    found = re.findall(rf"^({TIME.pattern}) --> ({TIME.pattern}).*\n((?:.+\n?)+)", vtt, re.MULTILINE)
    return [(seconds(match[0]), seconds(match[5]), match[10].strip()) for match in found]


def test_subtitles_cover_all_scenes_in_video_time(renderer):
    scenes = [image("red", script="Alpha beta."), image("green"), image("blue", script="Gamma delta.")]
    video = renderer.render(plan(), scenes, subtitles="both", language="en-GB")
    first, second = cues(video.texts["vtt"])
    assert (first[2], second[2]) == ("Alpha beta.", "Gamma delta.")
    # 0.2 s before what is said, 0.4 s after it: a scene of two words lasts 1.32 s, in frames.
    assert first[0] == pytest.approx(0.2, abs=0.1)
    assert first[1] <= 1.32 + 1e-6
    assert second[0] == pytest.approx(1.32 + 4 + 0.2, abs=0.1)
    assert second[1] <= len(video.frames) / FPS + 1e-6
    assert "Gamma delta." in video.texts["srt"]
    # Burned where they are said, not where nobody speaks.
    assert video.frames[15].std() > video.frames[60].std() + 3
    assert all(file.language == "en-GB" for file in video.finished.files if file.name in ("srt", "vtt"))


def test_without_subtitles_there_are_no_files_and_no_burned_text(renderer):
    video = renderer.render(plan(), [image("red", script="Alpha."), image("green", seconds=1)])
    assert not video.texts
    assert shows(video.frames[10], "red")


def test_a_transition_before_the_first_scene_adds_a_note(renderer):
    video = renderer.render(plan(), [image("red", seconds=1, transition="fade"), image("green", seconds=1)])
    assert shows(video.frames[0], "red")
    assert any("Its transition had no effect" in note for note in video.finished.notes)


def test_a_recorded_voice_is_used_and_its_script_subtitled(renderer):
    samples = np.concatenate([tone(300, 0.8), np.zeros(SAMPLE_RATE // 2, np.float32), tone(300, 0.6)])
    renderer.files["track"] = write_wav(samples, renderer.folder / "track.wav")
    scenes = [image("red", voice_track="track", script="Alpha beta. Gamma."), image("green", seconds=1)]
    video = renderer.render(plan(), scenes, subtitles="file")
    assert not renderer.speaker.scripts
    assert tone_amplitude(300, video.level[round(0.3 * SAMPLE_RATE) : round(0.9 * SAMPLE_RATE)]) > 0.05
    assert "Alpha beta." in video.texts["srt"]
    assert any(note.startswith("Scene 1: The subtitles' times are estimated") for note in video.finished.notes)


def test_an_avatars_mouth_moves_only_in_its_own_scene(renderer):
    renderer.files["face"] = next(iter(avatars().values())).path
    scenes = [image("red", seconds=1), {"type": "avatar", "avatar": "face", "script": "One two three."}]
    video = renderer.render(plan(), scenes)
    assert shows(video.frames[24], "red")
    assert not shows(video.frames[25], "red")
    changes = [np.abs(one.astype(int) - two).max() for one, two in pairwise(video.frames[30:50])]
    assert max(changes) > 20
    assert any(note.startswith("Scene 2: A preview: ") for note in video.finished.notes)


def test_equal_jobs_give_equal_files(tmp_path):
    grain = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    videos = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        renderer = VideoRenderer(tmp_path / name)
        renderer.files["face"] = next(iter(avatars().values())).path
        renderer.files["music"] = write_wav(tone(MUSIC_TONE, 2), renderer.folder / "music.wav")
        Image.fromarray(grain).save(renderer.folder / "grain.png")
        renderer.files["grain"] = renderer.folder / "grain.png"
        scenes = [image("grain", seconds=1), {"type": "avatar", "avatar": "face", "script": "One two."}]
        videos.append(renderer.render(plan(), scenes, transition="fade", subtitles="both"))
    assert set(videos[0].digests) == {"result", "poster", "thumbnail", "srt", "vtt"}
    assert videos[0].digests == videos[1].digests


@pytest.mark.parametrize("broken", ["picture", "voice_track"])
def test_an_invalid_file_names_its_scene_before_any_rendering(renderer, broken):
    renderer.files["broken"] = renderer.folder / "broken"
    whole = renderer.files["red"].read_bytes() if broken == "picture" else b"fLaC"
    renderer.files["broken"].write_bytes(whole[: len(whole) // 2 + 20])
    reporter = Reporter()
    with pytest.raises(DarkroomError, match=r"^Scene 3 \(image\): ") as raised:
        renderer.render(
            plan(), [image("red", script="Hm."), image("green"), {**image("blue"), broken: "broken"}], reporter
        )
    code = {"picture": ErrorCode.INVALID_IMAGE, "voice_track": ErrorCode.INVALID_AUDIO}[broken]
    assert raised.value.detail.code is code
    assert set(reporter.stages) == {"load"}
    assert not renderer.speaker.scripts


def test_a_too_long_video_is_rejected_before_any_rendering(renderer):
    reporter = Reporter()
    with pytest.raises(DarkroomError, match=r"^The video would last at least \d+\.\d\d seconds; 600") as raised:
        renderer.render(plan(), [image("red", script="a " * 2_000), image("green", script="Hm.")], reporter)
    assert raised.value.detail.code is ErrorCode.TOO_LONG
    assert "scenes" not in reporter.stages


def test_an_unpronounceable_script_names_its_scene(renderer):
    renderer.speaker = None
    with pytest.raises(DarkroomError, match=r"^Scene 2 \(image\): Nobody can say") as raised:
        renderer.render(plan(), [image("red"), image("green", script="Hm.")])
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE


def test_generated_scenes_are_rejected_by_the_stage_too(renderer):
    with pytest.raises(DarkroomError, match="Scene 2 is to be generated") as raised:
        renderer.render(plan(), [image("red"), {"type": "generated", "prompt": "a kite"}])
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE


def working_threads():
    """The threads but those that read the output of decoders, which stay for the next file."""
    return {thread for thread in threading.enumerate() if thread.name != "decoder-output"}


@pytest.mark.parametrize("stage", ["speak", "scenes", "join"])
def test_a_cancelled_job_leaves_no_video_and_no_thread(renderer, stage):
    threads = working_threads()
    reporter = Reporter(
        stop=lambda now, progress: now == stage and progress > {"scenes": 0.13, "join": 0.65}.get(stage, 0)
    )
    with pytest.raises(JobAbandoned):
        renderer.render(plan(), [image("red", script="Alpha."), image("green", seconds=8)], reporter)
    assert working_threads() == threads
    assert not list(renderer.folder.rglob("result.*"))
