"""Videos, end to end: talking portraits, joined scenes, and cleanup after failures."""

import io
import math
import re
import wave
from itertools import pairwise
from typing import Any

import numpy as np
import psutil
import pytest

from darkroom.contract.voices import voice_for
from infra.local.stack import LocalStack
from pipeline.speech.espeak import EspeakSynthesiser
from tests.e2e import pictures
from tests.e2e.caller import Caller, JobDict, picture, upload
from tests.e2e.result_video import decode_video, fetch, subtitles

LEAD = 0.2  # seconds of silence before anybody speaks
SCRIPT = "Good evening. Somebody rendered this face, and nobody ever had this voice."
AMARA = {"avatar": {"avatar": "amara"}}
SMALL = {"resolution": "360p", "aspect": "1:1"}


def tone(seconds: float, level: float = 0.5, every: float = 0.25) -> bytes:
    """A WAV file of bursts of sound, as a voice has them."""
    times = np.arange(int(seconds * 16_000)) / 16_000
    samples = level * np.sin(2 * math.pi * 220 * times) * (times % (2 * every) < every)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes((samples * 32767).astype("<i2").tobytes())
    return file.getvalue()


def speak(caller: Caller, **params: Any) -> JobDict:
    """A portrait of ours, speaking."""
    return caller.run("render_video", {"script": SCRIPT, **SMALL, **params}, AMARA)


@pytest.fixture(scope="module")
def spoken(caller: Caller) -> JobDict:
    return speak(caller, subtitles="both")


@pytest.mark.parametrize("engine", ["preview", "models"])
def test_a_talking_portrait_is_rendered(caller: Caller, engine: str) -> None:
    params = {"script": SCRIPT, **SMALL, "subtitles": "both"}
    job = caller.run("render_video", params, AMARA, engine=engine)
    video_file = decode_video(job)
    speech = EspeakSynthesiser().synthesise(SCRIPT, voice_for(None, None))
    (video,) = job["result"]["videos"]
    assert job["result"]["engine"] == engine
    assert video_file.codecs == ("h264", "aac")
    assert video_file.faststart
    assert abs(video_file.seconds - video_file.audio_seconds) < 0.2
    assert 0 < video_file.seconds - speech.seconds < 1
    assert len(video_file.frames) == video["frames"] == round(video["seconds"] * 25)
    assert video_file.frames.shape[1:] == (360, 360, 3) == (video["height"], video["width"], 3)
    assert abs(video_file.loudness - -16) < 1
    assert [each["name"] for each in job["result"]["pictures"]] == ["poster", "thumbnail"]
    assert picture(job, "poster").size == (360, 360)


def test_the_portrait_moves_during_speech(spoken: JobDict) -> None:
    video_file = decode_video(spoken)
    envelope = np.abs(video_file.sound).max(1)
    loud = next(second for second in np.arange(0.3, 3, 0.04) if envelope[int(second * 48_000)] > 0.05)
    face = slice(40, 260)
    assert np.abs(video_file.at(loud)[face] - video_file.at(0)[face]).max() > 40


def test_subtitles_are_timed_with_the_speech(spoken: JobDict) -> None:
    cues = subtitles(spoken)
    words = EspeakSynthesiser().synthesise(SCRIPT, voice_for(None, None)).words
    assert " ".join(each.text for each in cues) == SCRIPT
    at = 0
    for cue in cues:
        first, last = words[at], words[at + len(cue.text.split()) - 1]
        at += len(cue.text.split())
        assert cue.start == pytest.approx(LEAD + first.start, abs=0.2)
        assert cue.end >= LEAD + last.end - 0.2
        assert cue.end - cue.start <= 7
    assert all(one.end <= other.start for one, other in pairwise(cues))
    vtt = fetch(spoken, "subtitles", "vtt").decode()
    assert vtt.startswith("WEBVTT")
    assert cues[0].text.split()[0] in vtt


def test_burned_in_subtitles_are_visible_during_their_words(caller: Caller, spoken: JobDict) -> None:
    plain = speak(caller, subtitles="none")
    assert plain["result"]["subtitles"] == []
    with_words, without = decode_video(spoken), decode_video(plain)
    cue = subtitles(spoken)[0]
    middle, before = (cue.start + cue.end) / 2, cue.start / 2
    differ = np.abs(with_words.at(middle) - without.at(middle)).max(2) > 100
    rows = np.flatnonzero(differ.any(1))
    assert differ.sum() > 300
    assert rows.min() > 180  # the lower half, and not the face
    assert (np.abs(with_words.at(before) - without.at(before)) > 100).sum() == 0


@pytest.mark.parametrize(
    ("subtitles_", "burned", "files"),
    [("file", False, {"srt", "vtt"}), ("burned", True, set())],
)
def test_subtitles_are_burned_in_or_saved_as_requested(
    caller: Caller, spoken: JobDict, subtitles_: str, burned: bool, files: set[str]
) -> None:
    job = speak(caller, subtitles=subtitles_)
    assert {each["format"] for each in job["result"]["subtitles"]} == files
    cue = subtitles(spoken)[0]
    middle = (cue.start + cue.end) / 2
    same = np.abs(decode_video(job).at(middle) - decode_video(spoken).at(middle)) < 100
    assert bool(same.all()) is burned


@pytest.mark.parametrize(("aspect", "size"), [("9:16", (640, 360)), ("16:9", (360, 640))])
def test_a_video_has_the_requested_aspect(caller: Caller, aspect: str, size: tuple[int, int]) -> None:
    assert decode_video(speak(caller, script="Hello.", aspect=aspect)).frames.shape[1:3] == size


def test_right_to_left_scripts_have_subtitles(caller: Caller) -> None:
    job = speak(caller, script="مساء الخير جميعا", language="ar", subtitles="both")
    assert [each.text for each in subtitles(job)] == ["مساء الخير جميعا"]
    assert job["result"]["subtitles"][0]["language"] == "ar"


@pytest.mark.parametrize("engine", ["preview", "models"])
def test_a_recorded_voice_is_kept_unchanged(caller: Caller, engine: str) -> None:
    files = {**AMARA, "voice_track": tone(2.5)}
    job = caller.run("render_video", {"script": "One two three.", "subtitles": "file", **SMALL}, files, engine=engine)
    video_file = decode_video(job)
    assert 2.5 < video_file.seconds < 3.4
    assert " ".join(each.text for each in subtitles(job)) == "One two three."
    assert abs(video_file.loudness - -16) < 1


def test_a_recorded_voice_that_is_too_long_is_rejected_before_rendering(caller: Caller) -> None:
    job = caller.run("render_video", SMALL, {**AMARA, "voice_track": tone(301)})
    assert (job["state"], job["error"]["code"]) == ("failed", "too_long")
    assert "5:00" in job["error"]["message"]
    assert [each["stage"] for each in job["timeline"]] == ["download", "load"]


def test_a_file_without_an_audio_stream_fails_the_job(caller: Caller) -> None:
    job = caller.run("render_video", SMALL, {**AMARA, "voice_track": tone(1)[:12] + b"nonsense" * 100})
    assert (job["state"], job["error"]["code"]) == ("failed", "invalid_audio")


def test_a_cancelled_render_leaves_no_files(caller: Caller, stack: LocalStack) -> None:
    params = {"script": SCRIPT * 20, "subtitles": "both", "resolution": "720p"}
    response = caller.submit("render_video", params, AMARA)
    job_id = response.json()["job"]["job_id"]
    with caller.socket() as socket:
        socket.send(action="subscribe", job_id=job_id)
        next(job for job in socket.jobs(job_id) if job["stage"] == "encode" and job["preview"])
        assert caller.cancel(job_id).json()["state"] == "cancelled"
        *_, last = socket.jobs(job_id)
    assert last["state"] == "cancelled"
    # The next job through the same container proves that this one was let go, and then nothing of it is left.
    speak(caller, script="Hello.")
    stack.wait_idle()
    s3 = stack.client("s3")
    for prefix in ("results", "intermediates"):
        assert s3.list_objects_v2(Bucket=stack.bucket, Prefix=f"{prefix}/{job_id}/")["KeyCount"] == 0


ROOM = {"type": "image", "picture": "room", "script": "This is the room."}
HOST = {"type": "avatar", "avatar": "host", "script": "And this is somebody who was never in it.", "transition": "cut"}
LAST = {"type": "image", "picture": "room", "seconds": 3, "transition": "fade"}


def scenes(caller: Caller, *scene_list: JobDict, **params: Any) -> JobDict:
    files: dict[str, bytes | JobDict] = {"room": pictures.jpeg(), "host": {"avatar": "bruno"}, "music": tone(2, 0.2)}
    body = {"scenes": scene_list, **SMALL, **params}
    return caller.run("render_scenes", body, files, engine=params.pop("engine", "preview"))


def test_scenes_are_joined_into_one_video(caller: Caller) -> None:
    job = scenes(caller, ROOM, HOST, LAST, subtitles="both")
    video_file = decode_video(job)
    (video,) = job["result"]["videos"]
    assert len(video_file.frames) == video["frames"]
    assert abs(video_file.seconds - video_file.audio_seconds) < 0.2
    assert abs(video_file.loudness - -16) < 1
    assert " ".join(each.text for each in subtitles(job)) == f"{ROOM['script']} {HOST['script']}"
    # One is a cut: somewhere two pictures in a row have little in common.
    steps = np.abs(np.diff(video_file.frames.astype(np.int16), axis=0)).mean((1, 2, 3))
    assert steps.max() > 5 * np.median(steps) + 10
    # Nobody speaks in the last scene: the music is heard, louder than under speech would be let.
    assert np.abs(video_file.sound[-48_000 * 2 : -48_000]).max() > 0.01


def test_a_failed_scene_is_named_in_the_error(caller: Caller) -> None:
    params = {"scenes": [ROOM, {**HOST, "voice_track": "voice"}, LAST], **SMALL}
    files = {"room": pictures.jpeg(), "host": {"avatar": "bruno"}, "voice": tone(1)[:12] + b"nonsense" * 100}
    job = caller.run("render_scenes", params, files)
    assert (job["state"], job["error"]["code"]) == ("failed", "invalid_audio")
    assert "Scene 2" in job["error"]["message"]


def test_scenes_are_rendered_by_the_models_engine(caller: Caller) -> None:
    generated = {"type": "generated", "prompt": "a brass lamp", "seconds": 2}
    params = {"scenes": [generated, HOST], **SMALL}
    job = caller.run("render_scenes", params, {"host": {"avatar": "bruno"}}, engine="models")
    assert job["result"]["engine"] == "models"
    assert decode_video(job).frames.shape[1:3] == (360, 360)
    assert {"sdxl", "ditto"} <= {each["id"].split("-")[0] for each in job["result"]["models"]}


@pytest.mark.usefixtures("on_the_endpoint")
def test_finished_scenes_are_reused_by_the_next_attempt(caller: Caller, stack: LocalStack) -> None:
    long = {**HOST, "script": SCRIPT * 6}
    params = {"scenes": [ROOM, LAST, long], "subtitles": "file", **SMALL}
    response = caller.submit("render_scenes", params, {"room": declared(), "host": {"avatar": "bruno"}})
    created = response.json()
    job_id = created["job"]["job_id"]
    with caller.socket() as socket:
        socket.send(action="subscribe", job_id=job_id)
        upload(created["uploads"]["room"], pictures.jpeg())
        next(job for job in socket.jobs(job_id) if job["stage"] == "join")
        kept = {key.rpartition("/")[2] for key in parts(stack, job_id)}
        kill_instances(stack)
        *_, job = socket.jobs(job_id)
    assert (job["state"], job["attempt"]) == ("completed", 2), job["error"]
    assert kept
    log = (stack.folder / "endpoint.log").read_text()
    taken = set(re.findall(r"took the part (\S+) from an earlier attempt", log))
    assert kept <= taken
    stack.wait_idle()
    assert parts(stack, job_id) == []


def declared() -> JobDict:
    return {"content_type": "image/jpeg"}


def parts(stack: LocalStack, job_id: str) -> list[str]:
    """Keys of a job's intermediates."""
    listed = stack.client("s3").list_objects_v2(Bucket=stack.bucket, Prefix=f"intermediates/{job_id}/")
    return [entry["Key"] for entry in listed.get("Contents", [])]


def kill_instances(stack: LocalStack) -> None:
    """As a crash does."""
    for process in psutil.process_iter(["cmdline", "environ"]):
        words = process.info["cmdline"] or []
        environment = process.info["environ"] or {}
        if "infra.local.endpoint.exit_with_parent" in words and environment.get("BUCKET") == stack.bucket:
            process.kill()
