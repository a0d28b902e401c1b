"""Video jobs: bundled avatars, audio, and roles named by scenes."""

import json
from typing import Any

import pytest
from mypy_boto3_s3 import S3Client

from darkroom.contract.avatars import avatars
from darkroom.contract.errors import ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from darkroom.contract.voices import voices
from tests.handlers.job_driver import JobDriver
from tests.handlers.uploads import object_exists, picture, sha256

WAVE = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(200)
ISO_FILM = b"\0\0\0\x18ftypisom" + bytes(64)
AVIF = b"\0\0\0\x18ftypavif" + bytes(64)
AMARA = {"avatar": "amara"}
SOUND = {"content_type": "audio/wav"}
NO = ErrorDetail(code=ErrorCode.CANCELLED, message="no")


def video(params: Any = None, **uploads: Any) -> dict[str, Any]:
    return {"kind": "render_video", "params": params or {"script": "Hello."}, "uploads": {"avatar": AMARA, **uploads}}


def scenes(*those: Any, uploads: Any, **params: Any) -> dict[str, Any]:
    return {"kind": "render_scenes", "params": {"scenes": those, **params}, "uploads": uploads}


def test_an_avatar_is_copied_to_its_upload_key(driver: JobDriver, bucket: S3Client, queues: Any) -> None:
    answer = driver.call("POST", "/jobs", video())
    job = driver.get(answer.body["job"]["job_id"])
    assert (answer.status, answer.body["uploads"], job.state) == (201, {}, State.AWAITING_UPLOAD)
    portrait = avatars()["amara"]
    key = f"uploads/{job.job_id}/avatar"
    assert bucket.get_object(Bucket="bucket", Key=key)["Body"].read() == portrait.picture
    shown = answer.body["job"]["uploads"]["avatar"]
    assert (shown["avatar"], shown["sha256"], shown["content_type"]) == ("amara", portrait.sha256, "image/webp")
    driver.upload(job, None, role="avatar")
    assert queues.sent() == [(job.job_id, 1)]


def test_a_video_of_the_same_script_and_avatar_is_cached(driver: JobDriver) -> None:
    driver.set_engine_digest(kind="render_video")
    first = driver.call("POST", "/jobs", video()).body["job"]["job_id"]
    driver.run(driver.upload(driver.get(first), None, role="avatar"))
    again = driver.call("POST", "/jobs", video()).body["job"]
    assert (again["state"], again["cached"]) == ("completed", True)
    other = driver.call("POST", "/jobs", video({"script": "Good bye."})).body["job"]
    assert other["state"] == "awaiting_upload"


def test_a_video_is_rerun_with_another_script(driver: JobDriver) -> None:
    first = driver.call("POST", "/jobs", video()).body["job"]["job_id"]
    driver.run(driver.upload(driver.get(first), None, role="avatar"))
    answer = driver.call("POST", f"/jobs/{first}/rerun", {"params": {"script": "Good bye."}})
    job = answer.body["job"]
    assert (answer.status, job["params"]["script"], job["uploads"]["avatar"]["avatar"]) == (201, "Good bye.", "amara")
    driver.call("POST", f"/jobs/{first}/rerun", {"params": {"script": ""}}).problem(422, "invalid_request")


@pytest.mark.parametrize(
    ("those", "says"),
    [
        ([{"type": "image", "picture": "track"}, {"type": "image", "picture": "room"}], "'track' is to be a picture"),
        ([{"type": "image", "picture": "room", "voice_track": "room"}] * 2, "'room' is to be sound"),
        ([{"type": "image", "picture": "room"}] * 2, "no scene speaks of track"),
    ],
)
def test_a_rerun_of_scenes_checks_the_media_type_of_each_role(driver: JobDriver, those: Any, says: str) -> None:
    scene = {"type": "image", "picture": "room"}
    job_request = scenes(scene, scene | {"voice_track": "track"}, uploads={"room": AMARA, "track": SOUND})
    job = driver.get(driver.call("POST", "/jobs", job_request).body["job"]["job_id"])
    driver.upload(job, None, role="room")
    driver.run(driver.upload(job, WAVE, role="track"))
    problem = driver.call("POST", f"/jobs/{job.job_id}/rerun", {"params": {"scenes": those}})
    assert says in json.dumps(problem.problem(422, "invalid_request"))


def test_a_rerun_with_a_removed_avatar_is_upload_expired(driver: JobDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = driver.call("POST", "/jobs", video()).body["job"]["job_id"]
    driver.store.cancel(asked, "owner-1", NO)
    monkeypatch.setattr("handlers.jobs.object_copies.avatars", dict)
    driver.call("POST", f"/jobs/{asked}/rerun", {}).problem(410, "upload_expired")


def test_a_voice_track_is_received(driver: JobDriver, queues: Any) -> None:
    answer = driver.call("POST", "/jobs", video({"script": ""}, voice_track=SOUND))
    form = answer.body["uploads"]["voice_track"]
    assert form["fields"]["Content-Type"] == "audio/wav"
    job = driver.get(answer.body["job"]["job_id"])
    driver.upload(job, None, role="avatar")
    job = driver.upload(job, WAVE, role="voice_track")
    track = job.uploads["voice_track"]
    assert (track.received, track.size, track.width, track.sha256) == (True, len(WAVE), None, sha256(WAVE))
    assert (job.state, queues.sent()) == (State.QUEUED, [(job.job_id, 1)])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (picture(), "is image/jpeg"),
        (b"just words", "a text file, and no sound"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(40), "no sound of a kind we know. Upload WAV, MP3, M4A, AAC,"),
        (AVIF, "an AVIF picture, and no sound"),
        (b"fLaC" + bytes(40), "sound or a video"),
    ],
)
def test_a_voice_track_that_is_not_as_declared_is_rejected(
    driver: JobDriver, bucket: S3Client, data: bytes, says: str
) -> None:
    job = driver.get(driver.call("POST", "/jobs", video(None, voice_track=SOUND)).body["job"]["job_id"])
    failed = driver.upload(job, data, role="voice_track")
    assert failed.error is not None
    assert (failed.state, failed.error.code) == (State.FAILED, "unsupported_media")
    assert says in failed.error.message
    assert not object_exists(bucket, f"uploads/{job.job_id}/voice_track")


@pytest.mark.parametrize("data", [WAVE, ISO_FILM])
def test_audio_uploaded_as_a_photo_is_rejected(driver: JobDriver, data: bytes) -> None:
    failed = driver.upload(driver.create(), data)
    assert failed.error is not None
    assert (failed.error.code, "sound or a video" in failed.error.message) == ("unsupported_media", True)


def test_scenes_define_the_roles_of_their_uploads(driver: JobDriver, queues: Any) -> None:
    job_request = scenes(
        {"type": "image", "picture": "room_1", "script": "This is the room."},
        {"type": "avatar", "avatar": "host", "script": "And this is me."},
        uploads={"room_1": {"content_type": "image/jpeg"}, "host": AMARA, "music": SOUND},
    )
    answer = driver.call("POST", "/jobs", job_request)
    assert (answer.status, set(answer.body["uploads"])) == (201, {"room_1", "music"})
    job = driver.get(answer.body["job"]["job_id"])
    for role, data in (("host", None), ("room_1", picture()), ("music", WAVE)):
        job = driver.upload(job, data, role=role)
    assert (job.state, queues.sent()) == (State.QUEUED, [(job.job_id, 1)])


IMAGE = {"type": "image", "picture": "a"}
GENERATED = {"type": "generated", "prompt": "a fox"}


@pytest.mark.parametrize(
    ("job_request", "says"),
    [
        (video({"script": ""}), "nothing to say"),
        (video({"script": "x" * 5001}), "5000 characters"),
        (video({"script": "Hi.", "voice": "nobody"}), "unknown voice"),
        (video({"script": "Hi.", "voice": "lucia", "language": "fr-FR"}), "speaks es-ES, not fr-FR"),
        (video({"script": "Hi.", "voice": "joanna"}, voice_track=SOUND), "voice of its own"),
        (video(avatar={"avatar": "mona_lisa"}), "choose one of: amara"),
        (scenes(IMAGE, uploads={"a": AMARA}), "at least 2"),
        (scenes(IMAGE, {"type": "image", "picture": "b"}, uploads={"a": AMARA}), "scene 2: 'b' is not among"),
        (scenes(IMAGE, IMAGE, uploads={"a": AMARA, "z": AMARA}), "no scene speaks of z"),
        (scenes(IMAGE, IMAGE, uploads={"a": SOUND}), "scene 1: 'a' is to be a picture"),
        (scenes(IMAGE, {"type": "avatar", "avatar": "a"}, uploads={"a": AMARA}), "scene 2: nothing to say"),
        (scenes(*[IMAGE | {"seconds": 60}] * 11, uploads={"a": AMARA}), "longer than 600 seconds"),
        (scenes(*[IMAGE | {"script": "x" * 4000}] * 4, uploads={"a": AMARA}), "15,000 characters together"),
    ],
)
def test_an_invalid_video_request_is_rejected(driver: JobDriver, job_request: Any, says: str) -> None:
    problem = driver.call("POST", "/jobs", job_request).problem(422, "invalid_request")
    assert says in json.dumps(problem)


@pytest.mark.parametrize(
    ("job_request", "says"),
    [
        (video({"subtitles": "file"}, voice_track=SOUND), "cannot hear"),
        (scenes(IMAGE, GENERATED, uploads={"a": AMARA}), "Scene 2 is to be generated"),
        (
            scenes(IMAGE, IMAGE | {"voice_track": "v"}, uploads={"a": AMARA, "v": SOUND}, subtitles="burned"),
            "the voice_track of scene 2",
        ),
    ],
)
def test_a_video_beyond_the_preview_engine_is_engine_unavailable(
    driver: JobDriver, queues: Any, job_request: Any, says: str
) -> None:
    problem = driver.call("POST", "/jobs", job_request).problem(422, "engine_unavailable")
    assert says in problem["detail"]
    assert queues.sent() == []
    assert driver.call("POST", "/jobs", {**job_request, "engine": "models"}).status == 201


def test_every_voice_is_listed(driver: JobDriver) -> None:
    listed = driver.call("GET", "/voices").body["voices"]
    assert [each["name"] for each in listed] == list(voices())
    assert listed[0]["language"] == "en-US"


@pytest.mark.parametrize(
    ("params", "voice"),
    [
        ({"script": "Hola, bienvenidos a nuestra nueva casa."}, "lucia"),
        ({"script": "Hola, bienvenidos a nuestra nueva casa.", "language": "en-GB"}, "amy"),
        ({"script": "Hola, bienvenidos a nuestra nueva casa.", "voice": "matthew"}, "matthew"),
        ({"script": "Hello."}, "joanna"),
    ],
)
def test_the_answer_names_the_voice(driver: JobDriver, params: Any, voice: str) -> None:
    answer = driver.call("POST", "/jobs", video(params))
    assert (answer.status, answer.body["job"]["params"]["voice"]) == (201, voice)


def test_a_recorded_voice_is_not_replaced_by_another(driver: JobDriver) -> None:
    answer = driver.call("POST", "/jobs", video({"script": "Hola a todos."}, voice_track=SOUND))
    assert (answer.status, answer.body["job"]["params"]["voice"]) == (201, None)


def test_every_scene_names_its_voice(driver: JobDriver) -> None:
    scene = {"type": "image", "picture": "room"}
    request = scenes(
        scene | {"script": "Este es el salón antes de la reforma."},
        scene | {"script": "¡Mira!"},
        scene | {"script": "And this is what became of it.", "voice": "brian"},
        scene,
        scene | {"script": "Hola", "voice_track": "track"},
        uploads={"room": AMARA, "track": SOUND},
    )
    found = driver.call("POST", "/jobs", request).body["job"]["params"]["scenes"]
    assert [each["voice"] for each in found] == ["lucia", "lucia", "brian", None, None]


def test_a_script_that_no_voice_reads_is_refused(driver: JobDriver) -> None:
    refused = driver.call("POST", "/jobs", video({"script": "नमस्ते, यह एक छोटा परीक्षण है।"}))
    assert "voice_track" in refused.problem(422, "invalid_request")["detail"]
    named = driver.call("POST", "/jobs", video({"script": "今日はいい天気", "voice": "joanna"}))
    assert "letters of another language" in named.problem(422, "invalid_request")["detail"]
    scene = {"type": "image", "picture": "room"}
    second = driver.call("POST", "/jobs", scenes(scene, scene | {"script": "สวัสดีครับ"}, uploads={"room": AMARA}))
    assert second.problem(422, "invalid_request")["detail"].startswith("Scene 2: No voice speaks")


def test_words_that_cannot_be_burned_in_are_refused_with_the_way_out(driver: JobDriver) -> None:
    params = {"script": "ᠮᠣᠩᠭᠣᠯ", "subtitles": "burned"}
    refused = driver.call("POST", "/jobs", video(params, voice_track=SOUND))
    assert "ask for subtitles: file" in json.dumps(refused.problem(422, "invalid_request"))
    accepted = driver.call("POST", "/jobs", video(params | {"subtitles": "file"}, voice_track=SOUND))
    assert accepted.status == 201
    driver.run(
        driver.upload(
            driver.upload(driver.get(accepted.body["job"]["job_id"]), None, role="avatar"), WAVE, role="voice_track"
        )
    )
    again = driver.call("POST", f"/jobs/{accepted.body['job']['job_id']}/rerun", {"params": {"subtitles": "both"}})
    assert "ask for subtitles: file" in json.dumps(again.problem(422, "invalid_request"))


SPANISH = {"script": "Hola, bienvenidos a nuestra nueva casa."}
GERMAN = {"script": "Das ist das Zimmer, wie es war."}


@pytest.mark.parametrize(
    ("params", "changes", "voice"),
    [
        (SPANISH, GERMAN, "vicki"),
        (SPANISH, {"language": "fr-FR"}, "lea"),
        (SPANISH, {"resolution": "360p"}, "lucia"),
        (SPANISH | {"voice": "sergio"}, GERMAN, "sergio"),
    ],
)
def test_a_rerun_chooses_the_voice_again_unless_the_caller_did(
    driver: JobDriver, params: Any, changes: Any, voice: str
) -> None:
    job = driver.call("POST", "/jobs", video(params)).body["job"]["job_id"]
    driver.run(driver.upload(driver.get(job), None, role="avatar"))
    answer = driver.call("POST", f"/jobs/{job}/rerun", {"params": changes, "cache": False})
    assert (answer.status, answer.body["job"]["params"]["voice"]) == (201, voice)


RECORDINGS = {
    "audio/aac": b"\xff\xf1\x50\x80",
    "audio/amr": b"#!AMR\n",
    "audio/aiff": b"FORM\0\0\1\0AIFF",
    "audio/x-caf": b"caff\0\1\0\0",
}


@pytest.mark.parametrize(("declared", "head"), RECORDINGS.items())
def test_recordings_of_phones_and_studios_are_received(driver: JobDriver, declared: str, head: bytes) -> None:
    answer = driver.call("POST", "/jobs", video({"script": ""}, voice_track={"content_type": declared}))
    job = driver.get(answer.body["job"]["job_id"])
    driver.upload(job, None, role="avatar")
    assert driver.upload(job, head + bytes(100), role="voice_track").state == State.QUEUED
