"""Media types of uploads as browsers, phones and tools name them."""

import pytest

from tests.handlers.calls import Call

pytestmark = pytest.mark.usefixtures("environment")

PICTURES = [
    ("image/jpg", "image/jpeg"),
    ("image/JPEG", "image/jpeg"),
    ("image/pjpeg", "image/jpeg"),
    (" Image/Jpeg ; quality=1", "image/jpeg"),
    ("image/x-png", "image/png"),
    ("IMAGE/WEBP", "image/webp"),
    ("image/heif", "image/heic"),
    ("image/heic-sequence", "image/heic"),
]
SOUNDS = [
    ("audio/webm;codecs=opus", "audio/webm"),
    ("audio/webm; codecs=opus", "audio/webm"),
    ("video/webm", "audio/webm"),
    ("audio/x-m4a", "audio/mp4"),
    ("audio/m4a", "audio/mp4"),
    ("video/mp4", "audio/mp4"),
    ("audio/mp3", "audio/mpeg"),
    ("audio/x-mpeg-3", "audio/mpeg"),
    ("audio/x-wav", "audio/wav"),
    ("audio/wave", "audio/wav"),
    ("audio/vnd.wave", "audio/wav"),
    ("Audio/WAV", "audio/wav"),
    ("audio/ogg;codecs=opus", "audio/ogg"),
    ("application/ogg", "audio/ogg"),
    ("audio/opus", "audio/ogg"),
    ("audio/x-flac", "audio/flac"),
    ("video/quicktime", "audio/mp4"),
    ("audio/3gpp", "audio/mp4"),
    ("audio/aacp", "audio/aac"),
    ("audio/AMR-WB", "audio/amr"),
    ("audio/x-aiff", "audio/aiff"),
    ("audio/x-caf", "audio/x-caf"),
]


@pytest.mark.parametrize(("declared", "canonical"), PICTURES)
def test_a_picture_may_be_declared_by_any_of_its_names(call: Call, declared: str, canonical: str) -> None:
    """The form has the registered name, which S3 then compares with the form's own field alone."""
    created = call("POST", "/jobs", {"kind": "upscale", "uploads": {"photo": {"content_type": declared}}})
    assert created.status == 201, created.body
    assert created.body["job"]["uploads"]["photo"]["content_type"] == canonical
    assert created.body["uploads"]["photo"]["fields"]["Content-Type"] == canonical
    asset = call("POST", "/assets", {"upload": {"content_type": declared}})
    assert (asset.status, asset.body["asset"]["content_type"]) == (201, canonical)


@pytest.mark.parametrize(("declared", "canonical"), SOUNDS)
def test_a_sound_may_be_declared_by_any_of_its_names(call: Call, declared: str, canonical: str) -> None:
    video = {
        "kind": "render_video",
        "uploads": {"avatar": {"avatar": "amara"}, "voice_track": {"content_type": declared, "size": 30_000_000}},
    }
    scenes = {
        "kind": "render_scenes",
        "params": {"scenes": [{"type": "avatar", "avatar": "who", "voice_track": "voice"}] * 2},
        "uploads": {"who": {"avatar": "amara"}, "voice": {"content_type": declared}},
    }
    for body, role in ((video, "voice_track"), (scenes, "voice")):
        created = call("POST", "/jobs", body)
        assert created.status == 201, created.body
        assert created.body["job"]["uploads"][role]["content_type"] == canonical
        assert created.body["uploads"][role]["fields"]["Content-Type"] == canonical


@pytest.mark.parametrize(
    "declared", ["audio/x-m4a", "video/mp4", "image/gif", "image/jpeg2000", "jpeg", "", ";image/png"]
)
def test_a_type_that_is_no_picture_is_unsupported_for_one(call: Call, declared: str) -> None:
    body = {"kind": "upscale", "uploads": {"photo": {"content_type": declared}}}
    problem = call("POST", "/jobs", body).problem(415, "unsupported_media")
    assert [error["field"] for error in problem["errors"]] == ["uploads.photo.content_type"]


def test_an_idempotency_key_stands_for_the_same_upload_by_another_name(call: Call) -> None:
    bodies = [{"kind": "upscale", "uploads": {"photo": {"content_type": name}}} for name in ("image/jpeg", "image/jpg")]
    statuses = [call("POST", "/jobs", body, headers={"Idempotency-Key": "one"}).status for body in bodies]
    assert statuses == [201, 200]
