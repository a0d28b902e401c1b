"""Scenes from a JSON file: valid content, errors, and overrides on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from darkroom import AssetReference, AvatarReference, Client
from darkroom.cli import app
from darkroom.client.errors import ScenesError
from darkroom.client.scenes import read
from tests.darkroom.fake_service import TOKEN, Service
from tests.darkroom.video_jobs import completed_video_job, sound

IMAGE: dict[str, Any] = {"type": "image", "picture": "room.jpg", "seconds": 4}
AVATAR: dict[str, Any] = {"type": "avatar", "avatar": "amara", "script": "@hello.txt"}


@pytest.fixture(autouse=True)
def files(service: Service, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Input files of the scenes, in the folder of their file, which is not the working directory."""
    monkeypatch.setenv("DARKROOM_ENDPOINT", service.url)
    monkeypatch.setenv("DARKROOM_TOKEN", TOKEN)
    service.story = [completed_video_job(service, kind="render_scenes")]
    assert photo == tmp_path / "room.jpg"
    (tmp_path / "hello.txt").write_text("Hello there.\n")
    sound(tmp_path / "bed.wav")


def write(folder: Path, document: Any) -> Path:
    path = folder / "trailer.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return path


def scenes(*words: object) -> Result:
    return CliRunner().invoke(app, ["run", "render_scenes", *map(str, words)])


def body(service: Service) -> Any:
    return [body for method, where, _, body in service.requests if (method, where) == ("POST", "/jobs")][-1]


def test_each_source_gets_one_role_and_is_uploaded_once(service: Service, photo: Path, tmp_path: Path) -> None:
    spoken = {**AVATAR, "avatar": "./room.jpg", "script": "", "voice_track": "bed.wav"}
    kept = {**IMAGE, "picture": f"asset:{'b' * 32}"}
    made = {"type": "generated", "prompt": "a fox", "voice_track": "bed.wav"}
    path = write(tmp_path, {"scenes": [IMAGE, AVATAR, spoken, kept, made], "music": "bed.wav", "subtitles": "file"})
    result = scenes(path, "--consent")
    assert result.exit_code == 0, result.output
    assert result.stdout.split() == ["trailer.mp4", "trailer.srt", "trailer.vtt"]
    sent = body(service)
    assert sent["params"] == {
        "scenes": [
            {**IMAGE, "picture": "scene_1_picture"},
            {"type": "avatar", "avatar": "scene_2_avatar", "script": "Hello there."},
            {"type": "avatar", "avatar": "scene_1_picture", "script": "", "voice_track": "scene_3_voice"},
            {**kept, "picture": "scene_4_picture"},
            {**made, "voice_track": "scene_3_voice"},
        ],
        "subtitles": "file",
        "consent": True,
    }
    assert sent["uploads"]["scene_2_avatar"] == {"avatar": "amara"}
    assert sent["uploads"]["scene_4_picture"] == {"asset_id": "b" * 32}
    assert {each["key"].decode(): each["file"] for each in service.uploads} == {
        "uploads/a/scene_1_picture": photo.read_bytes(),
        "uploads/a/scene_3_voice": (tmp_path / "bed.wav").read_bytes(),
        "uploads/a/music": (tmp_path / "bed.wav").read_bytes(),
    }


def test_command_line_options_override_the_scenes_file(service: Service, tmp_path: Path) -> None:
    said = {"subtitles": "both", "aspect": "16:9", "transition": "slide", "music_volume": 0.9}
    path = write(tmp_path, {"scenes": [IMAGE, AVATAR], "music": "bed.wav", **said})
    own = sound(tmp_path / "own.wav", seconds=0.2)
    words = ("--aspect", "1:1", "--transition", "fade", "--music", own, "--loudness", -23)
    assert scenes(path, *words).exit_code == 0
    params = body(service)["params"]
    assert {name: value for name, value in params.items() if name != "scenes"} == {
        "subtitles": "both", "aspect": "1:1", "music_volume": 0.9, "loudness": -23,
    }  # fmt: skip
    (music,) = [each["file"] for each in service.uploads if each["key"] == b"uploads/a/music"]
    assert music == own.read_bytes()


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ('{"scenes": [\n  {"type" "image"}]}', ["line 2, column 11"]),
        ("[1, 2]", ["one object"]),
        ({"scenes": {}}, ['list of "scenes"']),
        ({"scenes": [IMAGE]}, ["2 to 20 scenes", "not 1"]),
        ({"scenes": [IMAGE] * 21}, ["2 to 20 scenes", "not 21"]),
        ({"scenes": [IMAGE, "room.jpg"]}, ["scene 2 is to be an object"]),
        ({"scenes": [IMAGE, {"type": "film"}]}, ["scene 2: type: choose one of: image, generated, avatar"]),
        ({"scenes": [IMAGE, {}]}, ["scene 2: type: choose one of"]),
        ({"scenes": [IMAGE, IMAGE, {**IMAGE, "picture": "x.jpg"}]}, ["scene 3: picture: the file 'x.jpg' does not"]),
        ({"scenes": [IMAGE, {**IMAGE, "picture": 7}]}, ["scene 2: picture: write the path"]),
        ({"scenes": [IMAGE, {**IMAGE, "picture": "bed.wav"}]}, ["scene 2: picture: 'bed.wav' is sound"]),
        ({"scenes": [IMAGE, {**IMAGE, "picture": "avatar:amara"}]}, ["scene 2: picture: no avatar may stand here"]),
        ({"scenes": [IMAGE, {"type": "image"}]}, ["scene 2: picture: Field required"]),
        ({"scenes": [IMAGE, {**IMAGE, "voice_track": "room.jpg"}]}, ["scene 2: voice_track: 'room.jpg' is no sound"]),
        ({"scenes": [IMAGE, {**IMAGE, "volume": 1}]}, ["scene 2: volume: Extra inputs"]),
        ({"scenes": [IMAGE, {**IMAGE, "seconds": 90}]}, ["scene 2: seconds:", "60"]),
        ({"scenes": [IMAGE, {**IMAGE, "voice": "nobody"}]}, ["scene 2: voice: unknown voice 'nobody'", "joanna"]),
        ({"scenes": [AVATAR, {**AVATAR, "avatar": "bob"}]}, ["scene 2: avatar: the file 'bob'", "amara"]),
        ({"scenes": [AVATAR, {**AVATAR, "script": ""}]}, ["scene 2: nothing to say"]),
        ({"scenes": [AVATAR, {**AVATAR, "script": "@no.txt"}]}, ["scene 2: script: the file 'no.txt'"]),
        ({"scenes": [AVATAR, {**AVATAR, "script": "x" * 5001}]}, ["scene 2: script:", "5,001 characters"]),
        ({"scenes": [IMAGE, {**IMAGE, "voice": "lucia"}], "language": "en-US"}, ["scene 2: the voice lucia speaks"]),
        ({"scenes": [IMAGE, AVATAR], "music": "room.jpg"}, ["music: 'room.jpg' is no sound file"]),
        ({"scenes": [IMAGE, AVATAR], "subtitles": "film"}, ["subtitles: Input should be"]),
        ({"scenes": [IMAGE, AVATAR], "musik": "bed.wav"}, ["musik: Extra inputs"]),
    ],
)
def test_an_invalid_scene_is_reported_with_its_number_and_field(
    service: Service, tmp_path: Path, document: Any, said: list[str]
) -> None:
    result = scenes(write(tmp_path, document))
    assert result.exit_code == 2, result.output
    assert [each for each in ["'SCENES'", *said] if each not in result.stderr] == []
    assert service.requests == []


@pytest.mark.parametrize("text", ["[" * 100_000, '{"scenes": [' + "1" * 5000 + "]}"], ids=["deep", "long number"])
def test_json_beyond_pythons_limits_is_no_scenes_file(service: Service, tmp_path: Path, text: str) -> None:
    (tmp_path / "bomb.json").write_text(text)
    result = scenes(tmp_path / "bomb.json")
    assert result.exit_code == 2, result.output
    assert "too deep, or has a number too long" in " ".join(result.stderr.split())
    assert service.requests == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("no.json",), ["'SCENES'", "'no.json' does not exist"]),
        (("--subtitles", "both"), ["'SCENES'", "missing"]),
        ((".",), ["directory"]),
        (("PATH", "--loudness", "-50"), ["--loudness", "-31"]),
        (("PATH", "-o", "trailer.gif"), ["--output", "MP4"]),
        (("PATH", "--music", "no.wav"), ["--music", "does not exist"]),
    ],
)
def test_wrong_usage_beside_a_scenes_file_names_the_flag(
    service: Service, tmp_path: Path, words: tuple[str, ...], said: list[str]
) -> None:
    path = write(tmp_path, {"scenes": [IMAGE, AVATAR]})
    result = CliRunner().invoke(
        app, ["run", "render_scenes", *(str(path) if word == "PATH" else word for word in words)]
    )
    assert result.exit_code == 2, result.output
    assert [each for each in said if each not in result.stderr] == []
    assert service.requests == []


def test_subtitles_do_not_overwrite_an_input_file(service: Service, tmp_path: Path) -> None:
    path = write(tmp_path, {"scenes": [IMAGE, AVATAR]}).rename(tmp_path / "trailer.srt")
    result = scenes(path, "-o", tmp_path / "trailer.mp4")
    assert (result.exit_code, "trailer.srt' is the input" in result.stderr) == (2, True)


def test_the_client_reads_a_scenes_file_and_accepts_other_roles(
    client: Client, service: Service, photo: Path, tmp_path: Path
) -> None:
    params, sources = read(write(tmp_path, {"scenes": [IMAGE, AVATAR], "music": None, "aspect": "1:1"}))
    assert params["aspect"] == "1:1"
    assert sources == {"scene_1_picture": photo, "scene_2_avatar": AvatarReference(avatar="amara")}
    client.run("render_scenes", sources, **params)
    client.run(
        "render_scenes",
        {"room": AssetReference(asset_id="b" * 32), "words": tmp_path / "bed.wav"},
        scenes=[{**IMAGE, "picture": "room"}, {**IMAGE, "picture": "room", "voice_track": "words"}],
    )
    assert body(service)["uploads"]["words"]["content_type"] == "audio/wav"
    with pytest.raises(ScenesError, match="does not exist"):
        read(tmp_path / "no.json")


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A folder of the reader's own beside the folder of a scenes file."""
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "key.txt").write_text("secret\n")
    sound(tmp_path / "private" / "voice.wav")
    (tmp_path / "private" / "room.jpg").write_bytes((tmp_path / "room.jpg").read_bytes())
    folder = tmp_path / "downloaded"
    folder.mkdir()
    (folder / "link.txt").symlink_to(tmp_path / "private" / "key.txt")
    (folder / "linked").symlink_to(tmp_path / "private", target_is_directory=True)
    return folder


OUTSIDE = [
    {"type": "avatar", "avatar": "amara", "script": "@/etc/passwd"},
    {"type": "avatar", "avatar": "amara", "script": "@../private/key.txt"},
    {"type": "avatar", "avatar": "amara", "script": "@../../../../../../etc/hostname"},
    {"type": "avatar", "avatar": "amara", "script": "@link.txt"},
    {"type": "avatar", "avatar": "amara", "script": "@linked/key.txt"},
    {"type": "avatar", "avatar": "amara", "script": "@C:\\Users\\me\\key.txt"},
    {"type": "avatar", "avatar": "amara", "script": "@\\\\server\\share\\key.txt"},
    {"type": "avatar", "avatar": "amara", "script": "@-"},
    {"type": "avatar", "avatar": "amara", "voice_track": "../private/voice.wav"},
    {"type": "avatar", "avatar": "linked/room.jpg", "script": "Hello."},
    {"type": "image", "picture": "../private/room.jpg", "seconds": 2},
]


@pytest.mark.parametrize("scene", OUTSIDE, ids=lambda scene: scene.get("script") or scene.get("picture") or "voice")
def test_a_scenes_file_reads_nothing_outside_of_its_folder(
    service: Service, private: Path, scene: dict[str, Any]
) -> None:
    other = {"type": "generated", "prompt": "a fox", "seconds": 2}
    result = scenes(write(private, {"scenes": [other, scene]}))
    assert result.exit_code == 2
    assert "scene 2" in result.stderr
    assert "--allow-outside" in result.stderr
    assert "secret" not in result.output
    assert service.requests == []


def test_music_outside_of_the_folder_needs_permission(service: Service, private: Path) -> None:
    scene = {"type": "avatar", "avatar": "amara", "script": "Hello."}
    path = write(private, {"scenes": [scene, scene], "music": "../private/voice.wav"})
    assert "music: '../private/voice.wav' is outside" in scenes(path).stderr
    result = scenes(path, "--allow-outside")
    assert result.exit_code == 0, result.output
    assert body(service)["uploads"]["music"]["content_type"] == "audio/wav"
    assert "allow_outside" not in body(service)["params"]


def test_a_script_outside_of_the_folder_is_read_with_permission(service: Service, private: Path) -> None:
    scene = {"type": "avatar", "avatar": "amara", "script": "@link.txt"}
    assert scenes(write(private, {"scenes": [scene, scene]}), "--allow-outside").exit_code == 0
    assert [each["script"] for each in body(service)["params"]["scenes"]] == ["secret", "secret"]


def test_a_link_within_the_folder_may_be_named(private: Path) -> None:
    (private / "hello.txt").write_text("Hello.")
    (private / "again.txt").symlink_to("hello.txt")
    scene = {"type": "avatar", "avatar": "amara", "script": "@./again.txt"}
    params, _ = read(write(private, {"scenes": [scene, scene]}))
    assert [each["script"] for each in params["scenes"]] == ["Hello.", "Hello."]
