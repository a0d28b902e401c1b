"""Videos, from client and command: avatars, voices, scripts and output files."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from darkroom import AvatarReference, Client, DownloadError
from darkroom.cli import app
from darkroom.contract.jobs import State
from tests.darkroom.fake_service import TOKEN, Service
from tests.darkroom.jobs import RESULT, completed
from tests.darkroom.responses import s3_error
from tests.darkroom.video_jobs import CUES, completed_video_job, sound


@pytest.fixture(autouse=True)
def signed_in(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_ENDPOINT", service.url)
    monkeypatch.setenv("DARKROOM_TOKEN", TOKEN)
    service.story = [completed_video_job(service)]


def darkroom(*words: object, said: str = "") -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], input=said)


def body(service: Service) -> Any:
    """That of the last job."""
    return [body for method, where, _, body in service.requests if (method, where) == ("POST", "/jobs")][-1]


def test_an_avatar_of_the_service_needs_no_upload(service: Service) -> None:
    result = darkroom("run", "render_video", "amara", "--script", "Hello there.", "--subtitles", "both")
    assert result.exit_code == 0, result.output
    assert result.stdout.split() == [f"amara_render_video.{end}" for end in ("mp4", "srt", "vtt")]
    assert [Path(name).read_bytes() for name in result.stdout.split()] == [RESULT, CUES.encode(), CUES.encode()]
    sent = body(service)
    assert sent["uploads"] == {"avatar": {"avatar": "amara"}}
    assert sent["params"] == {"script": "Hello there.", "subtitles": "both"}
    assert service.uploads == []


def test_a_recorded_voice_is_uploaded_with_the_portrait(service: Service, photo: Path, tmp_path: Path) -> None:
    voice = sound(tmp_path / "voice.mp3")  # whatever it is called
    assert darkroom("run", "render_video", photo, "--voice-track", voice, "--consent", "-o", "hello.mp4").exit_code == 0
    assert {each["key"]: each["file"] for each in service.uploads} == {
        b"uploads/a/avatar": photo.read_bytes(),
        b"uploads/a/voice_track": voice.read_bytes(),
    }
    assert body(service)["uploads"]["voice_track"]["content_type"] == "audio/wav"
    assert sorted(path.name for path in Path().iterdir()) == ["hello.mp4", "hello.srt", "hello.vtt"]


def test_a_file_is_preferred_to_an_avatar_of_the_same_name_without_prefix(service: Service, photo: Path) -> None:
    Path("amara").write_bytes(photo.read_bytes())
    darkroom("run", "render_video", "amara", "--script", "Hi", "--consent")
    darkroom("run", "render_video", "avatar:amara", "--script", "Hi")
    assert [each["key"] for each in service.uploads] == [b"uploads/a/avatar"]
    assert body(service)["uploads"] == {"avatar": {"avatar": "amara"}}


@pytest.mark.parametrize(
    ("word", "spoken"),
    [("@hello.txt", "Grüß dich,\nWelt."), ("@-", "From elsewhere."), ("@@home", "@home"), (" plain ", "plain")],
)
def test_a_script_is_given_as_text_as_a_file_or_by_standard_input(service: Service, word: str, spoken: str) -> None:
    Path("hello.txt").write_text("\ufeffGrüß dich,\nWelt.\n", "utf-8")
    result = darkroom("run", "render_video", "amara", "--script", word, said="From elsewhere.\n")
    assert result.exit_code == 0, result.output
    assert body(service)["params"]["script"] == spoken


def test_rerun_accepts_a_changed_script(service: Service) -> None:
    darkroom("run", "render_video", "amara", "--script", "Hi")
    Path("more.txt").write_text("More of it.")
    service.story = None  # of the first job
    assert darkroom("jobs", "rerun", service.job.job_id, "--set", "script=@more.txt").exit_code == 0
    (sent,) = [body for method, where, _, body in service.requests if where.endswith("/rerun")]
    assert sent["params"] == {"script": "More of it."}
    refused = darkroom("jobs", "rerun", service.job.job_id, "--set", "script=@no.txt")
    assert (refused.exit_code, "--set" in refused.stderr, "no.txt" in refused.stderr) == (2, True, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody", "--script", "Hi"), ["AVATAR", "'nobody' does not exist", "amara", "`darkroom avatars`"]),
        (("avatar:bob", "--script", "Hi"), ["no avatar 'bob'", "amara"]),
        (("asset:x", "--script", "Hi"), ["32 hex digits"]),
        (("amara",), ["--script", "--voice-track", "nothing to say"]),
        (("amara", "--script", "  "), ["--script", "nothing to say"]),
        (("amara", "--script", "@no.txt"), ["--script", "'no.txt' does not exist"]),
        (("amara", "--script", "@"), ["--script", "@hello.txt"]),
        (("amara", "--script", "@."), ["--script", "directory"]),
        (("amara", "--script", "@empty.txt"), ["--script", "empty"]),
        (("amara", "--script", "@binary.txt"), ["--script", "no text in UTF-8"]),
        (("amara", "--script", "@zero.txt"), ["--script", "no text in UTF-8"]),
        (("amara", "--script", "@long.txt"), ["--script", "6,000 characters; 5,000 are the most"]),
        (("amara", "--script", "@huge.txt"), ["--script", "larger than 1 MB"]),
        (("amara", "--script", "@hello.srt"), ["--script", "subtitles"]),
        (("amara", "--script", "x" * 5001), ["--script", "5,001 characters"]),
        (("amara", "--script", "Hi", "--voice", "lucia", "--language", "en-GB"), ["--voice", "speaks es-ES"]),
        (("amara", "--voice-track", "no.wav"), ["--voice-track", "'no.wav' does not exist"]),
        (("amara", "--voice-track", "PHOTO"), ["--voice-track", "no sound file", "FLAC"]),
        (("amara", "--voice-track", f"asset:{'a' * 32}"), ["--voice-track", "sound file"]),
        (("amara", "--voice-track", "avatar:amara"), ["--voice-track", "sound file"]),
        (("voice.wav", "--script", "Hi"), ["AVATAR", "'voice.wav' is sound"]),
        (("amara", "--script", "Hi", "-o", "out.jpg"), ["--output", "MP4", ".jpg"]),
        (("amara", "--script", "Hi", "-o", "hello.srt"), ["--output", "MP4", ".srt"]),
    ],
)
def test_wrong_usage_is_reported_before_any_request(
    service: Service, photo: Path, words: tuple[str, ...], said: list[str]
) -> None:
    sound(Path("voice.wav"))
    for name, content in {
        "empty.txt": b" \n", "binary.txt": b"\xff\xfe\xfd", "zero.txt": b"a\0b", "long.txt": b"x" * 6000,
        "huge.txt": b"x" * (1024 * 1024 + 1), "hello.srt": b"1\n",
    }.items():  # fmt: skip
        Path(name).write_bytes(content)
    result = darkroom("run", "render_video", *(photo if word == "PHOTO" else word for word in words))
    assert result.exit_code == 2, result.output
    assert [each for each in said if each not in result.stderr] == []
    assert service.requests == []


def test_a_file_of_uncertain_audio_type_is_sent_to_the_service(service: Service) -> None:
    Path("talk.m4a").write_bytes(b"nothing that anybody could hear")
    assert darkroom("run", "render_video", "amara", "--voice-track", "talk.m4a").exit_code == 0
    assert body(service)["uploads"]["voice_track"]["content_type"] == "audio/mp4"


def test_an_audio_file_that_is_too_large_is_reported_with_its_limit(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = sound(Path("voice.wav"))
    with voice.open("ab") as file:
        file.truncate(65 * 1024 * 1024)
    form = {"url": f"{service.url}/storage", "fields": {"key": "x", "Content-Type": "audio/wav"}}
    monkeypatch.setattr(service, "form", lambda _key: form)
    service.storage_answers = [s3_error(400, "EntityTooLarge")]
    result = darkroom("run", "render_video", "amara", "--voice-track", voice)
    assert (result.exit_code, "limit of 64 MB" in result.stderr) == (1, True)
    assert "size" not in body(service)["uploads"]["voice_track"]


def test_generated_names_overwrite_no_subtitles(service: Service) -> None:
    Path("amara_render_video.vtt").write_text("mine")
    names = darkroom("run", "render_video", "amara", "--script", "Hi").stdout.split()
    assert names == [f"amara_render_video_2.{end}" for end in ("mp4", "srt", "vtt")]
    assert Path("amara_render_video.vtt").read_text() == "mine"


def test_without_subtitles_only_the_video_is_saved(service: Service) -> None:
    service.story = [completed_video_job(service, subtitles=False)]
    assert darkroom("run", "render_video", "amara", "--script", "Hi", "-o", "talk").stdout == "talk\n"


def test_jobs_show_how_long_a_video_is_and_save_its_files(service: Service, tmp_path: Path) -> None:
    service.job = completed_video_job(service)
    shown = darkroom("jobs", "show", "a" * 32).stdout
    for words in ("720×1280, 12.4 s, video/mp4, 68.4 kB", "application/x-subrip, en-US, 2 cues", "poster"):
        assert words in shown
    saved = darkroom("jobs", "download", "a" * 32, "-o", "hello.mp4")
    assert saved.stdout.split() == ["hello.mp4", "hello.srt", "hello.vtt"]
    assert darkroom("jobs", "download", "a" * 32).stdout.split()[0] == "render_video_aaaaaaaa.mp4"
    poster = darkroom("jobs", "download", "a" * 32, "--name", "poster", "-o", tmp_path)
    assert poster.stdout == f"{tmp_path / 'poster_aaaaaaaa.jpg'}\n"
    wrong = darkroom("jobs", "download", "a" * 32, "--name", "trailer")
    assert (wrong.exit_code, "result, poster, srt, vtt" in wrong.stderr) == (1, True)
    assert darkroom("jobs", "download", "a" * 32, "-o", "hello.jpg").exit_code == 2


def test_only_a_completed_job_can_be_downloaded(service: Service) -> None:
    result = darkroom("jobs", "download", service.job.job_id)
    assert (result.exit_code, "nothing to download yet" in result.stderr) == (1, True)
    service.job = completed(4, f"{service.url}/results/x", count=2)
    assert len(darkroom("jobs", "download", "a" * 32).stdout.split()) == 2


def test_the_client_renders_a_video_from_one_source_and_saves_files_by_name(
    client: Client, service: Service, tmp_path: Path
) -> None:
    done = client.run("render_video", AvatarReference(avatar="amara"), script="Hello there.")
    assert done.state is State.COMPLETED
    paths = client.download_all(done, tmp_path)
    assert [path.name for path in paths] == ["result.mp4", "result.srt", "result.vtt"]
    assert client.download(done, tmp_path / "it.srt", name="srt").read_text() == CUES
    assert client.download(done, tmp_path / "poster.jpg", name="poster").read_bytes() == RESULT
    with pytest.raises(DownloadError, match="it has: result, poster, srt, vtt"):
        client.download(done, tmp_path / "x", name="chapters")


def test_a_file_that_is_no_audio_is_rejected_before_any_request(client: Client, service: Service, photo: Path) -> None:
    with pytest.raises(ValueError, match="no sound file"):
        client.run("render_video", {"avatar": photo, "voice_track": photo})
    with pytest.raises(ValueError, match="render_scenes wants what its scenes speak of, by role"):
        client.run("render_scenes", photo)
    assert service.requests == []


def test_voices_and_avatars_come_from_the_service_or_else_from_the_contract(
    client: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    voices = [{"name": name, "title": name.title(), "language": tag} for name, tag in
              [("amy", "en-GB"), ("joanna", "en-US"), ("lucia", "es-ES")]]  # fmt: skip
    service.reports["GET /voices"] = {"voices": voices}
    assert [each.name for each in client.voices()] == ["amy", "joanna", "lucia"]
    assert [each.name for each in client.voices("en")] == ["amy", "joanna"]
    assert [each.name for each in client.voices("EN-gb")] == ["amy"]
    assert [line.split() for line in darkroom("voices", "--language", "es").stdout.splitlines()] == [
        ["voice", "language", "title"], ["lucia", "es-ES", "Lucia"]
    ]  # fmt: skip
    unknown = darkroom("voices", "--language", "xx")
    assert (unknown.exit_code, "en-GB, en-US, es-ES" in unknown.stderr) == (2, True)
    service.reports["GET /avatars"] = {"avatars": [{"name": "zoe", "title": "Zoe", "picture": "data:"}]}
    assert "zoe" in darkroom("avatars").stdout
    assert '"picture"' not in darkroom("avatars", "--json").stdout
    monkeypatch.delenv("DARKROOM_ENDPOINT")
    assert "joanna" in darkroom("voices").stdout
    assert "amara" in darkroom("avatars").stdout
