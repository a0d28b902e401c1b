"""``darkroom`` command against the fake service: output, files and exit codes."""

import json
from pathlib import Path

import pytest
from starlette.responses import JSONResponse
from typer.testing import CliRunner, Result

from darkroom.cli import app
from darkroom.contract.jobs import Job, State
from darkroom.contract.kinds import Kind
from darkroom.contract.styles import styles
from tests.darkroom.fake_service import TOKEN, Service
from tests.darkroom.jobs import RESULT, completed, failed, job
from tests.darkroom.responses import problem, s3_error


@pytest.fixture
def darkroom(service: Service, monkeypatch: pytest.MonkeyPatch) -> "Command":
    monkeypatch.setenv("DARKROOM_ENDPOINT", service.url)
    monkeypatch.setenv("DARKROOM_TOKEN", TOKEN)
    return Command()


class Command:
    """Call it with the words of a command line."""

    def __call__(self, *words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def offline() -> Command:
    """No endpoint, no stack: what must be wrong is found before either is looked for."""
    return Command()


def test_run_prints_the_path_of_the_result_and_nothing_else(darkroom: Command, photo: Path) -> None:
    result = darkroom("run", "restyle_room", photo, "--style", "boho")
    assert result.exit_code == 0, result.output
    assert result.stdout == "room_boho.jpg\n"
    assert Path("room_boho.jpg").read_bytes() == RESULT
    assert " 40 %  depth: Measuring the room" in result.stderr
    assert "note: Only regraded." in result.stderr


def test_run_json_prints_the_finished_job(darkroom: Command, photo: Path, tmp_path: Path) -> None:
    target = tmp_path / "chosen.jpg"
    result = darkroom("run", "restyle_room", photo, "--style", "boho", "--json", "-o", target)
    assert result.exit_code == 0, result.output
    assert Job.model_validate_json(result.stdout).state is State.COMPLETED
    assert target.read_bytes() == RESULT


def test_run_sends_only_the_params_given_on_the_command_line(darkroom: Command, service: Service, photo: Path) -> None:
    words = ("--style", "mid_century", "--room", "living_room", "--seed", 7, "--engine", "preview", "--allow-preview")
    assert darkroom("run", "restyle_room", photo, *words).exit_code == 0
    assert darkroom("run", "upscale", photo).exit_code == 0
    first, second = (body for method, path, _, body in service.requests if (method, path) == ("POST", "/jobs"))
    assert first["params"] == {"style": "mid_century", "room": "living_room", "seed": 7}
    assert (first["engine"], first["allow_preview"]) == ("preview", True)
    assert second["params"] == {}
    assert "engine" not in second
    assert Path("room_upscale.jpg").exists()


def test_an_earlier_result_and_the_input_are_never_overwritten(darkroom: Command, photo: Path) -> None:
    words = ("run", "restyle_room", photo, "--style", "boho")
    assert [darkroom(*words).stdout for _ in range(3)] == ["room_boho.jpg\n", "room_boho_2.jpg\n", "room_boho_3.jpg\n"]
    before = photo.read_bytes()
    result = darkroom(*words, "-o", photo)
    assert result.exit_code == 2
    assert "it would be overwritten" in result.stderr
    assert photo.read_bytes() == before


def test_the_output_may_be_a_folder(darkroom: Command, photo: Path, tmp_path: Path) -> None:
    result = darkroom("run", "restyle_room", photo, "--style", "boho", "-o", tmp_path)
    assert result.stdout == f"{tmp_path / 'room_boho.jpg'}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("restyle_room", "PHOTO", "--style", "x"), ["--style", *styles()]),
        (("restyle_room", "PHOTO"), ["--style"]),
        (("restyle_room", "nothing.jpg", "--style", "boho"), ["nothing.jpg", "does not exist"]),
        (("restyle_room", ".", "--style", "boho"), ["is a directory"]),
        (("restyle_room", "PHOTO", "--style", "boho", "--seed", "-1"), ["--seed", "greater than or equal to 0"]),
        (("restyle_room", "PHOTO", "--style", "boho", "--strength", "0"), ["--strength", "greater than 0"]),
        (("restyle_room", "PHOTO", "--style", "boho", "--room", "cellar"), ["--room", "kitchen"]),
        (("upscale", "PHOTO", "--scale", "9"), ["--scale", "less than or equal to 4"]),
        (("upscale", "PHOTO", "-o", "no/such/folder/out.jpg"), ["no/such/folder", "does not exist"]),
        (("upscale", "PHOTO", "--endpoint", "example.com"), ["--endpoint", "https://"]),
        (("bake", "PHOTO"), ["unknown kind 'bake'", "restyle_room", "upscale"]),
    ],
)
def test_wrong_usage_exits_with_2_and_names_what_is_allowed(
    offline: Command, photo: Path, words: tuple[str, ...], said: list[str]
) -> None:
    result = offline("run", *(photo if word == "PHOTO" else word for word in words))
    assert result.exit_code == 2
    assert result.stdout == ""
    for each in said:
        assert each in result.stderr


def test_a_failed_job_exits_with_1_and_prints_its_code(darkroom: Command, service: Service, tmp_path: Path) -> None:
    text = tmp_path / "notes.jpg"
    text.write_text("This is no picture.")
    service.story = [failed(2, "unsupported_media", "This is not a picture.")]
    result = darkroom("run", "restyle_room", text, "--style", "boho", "--json")
    assert result.exit_code == 1
    assert "darkroom: failed: unsupported_media: This is not a picture." in result.stderr
    assert Job.model_validate_json(result.stdout).state is State.FAILED
    assert list(Path().iterdir()) == []


def test_a_job_cancelled_by_another_client_exits_with_1(darkroom: Command, service: Service, photo: Path) -> None:
    service.story = [job(2, "cancelled", error={"code": "cancelled", "message": "Cancelled by its owner."})]
    result = darkroom("run", "restyle_room", photo, "--style", "boho")
    assert result.exit_code == 1
    assert "darkroom: cancelled: Cancelled by its owner." in result.stderr


@pytest.mark.parametrize(("size", "code"), [(0, "EntityTooSmall"), (21 * 1024 * 1024, "EntityTooLarge")])
def test_the_service_rejects_files_by_size(
    darkroom: Command, service: Service, tmp_path: Path, size: int, code: str
) -> None:
    path = tmp_path / "odd.jpg"
    with path.open("wb") as file:
        file.truncate(size)
    service.storage_answers = [s3_error(400, code)]
    result = darkroom("run", "restyle_room", path, "--style", "boho")
    assert result.exit_code == 1
    assert f"darkroom: failed: {'empty_file' if size == 0 else 'too_large'}: " in result.stderr
    (body,) = [body for method, path, _, body in service.requests if (method, path) == ("POST", "/jobs")]
    assert "size" not in body["uploads"]["photo"]
    assert service.job.state is State.CANCELLED


def test_the_type_of_a_file_is_detected_from_its_first_bytes(
    darkroom: Command, service: Service, tmp_path: Path
) -> None:
    for name, head in (("a.jpg", b"\x89PNG\r\n\x1a\n...."), ("b.png", b"RIFF....WEBPVP8 "), ("c.webp", b"GIF89a")):
        (tmp_path / name).write_bytes(head)
        assert darkroom("run", "upscale", tmp_path / name).exit_code == 0
    bodies = [body for method, path, _, body in service.requests if (method, path) == ("POST", "/jobs")]
    declared = [body["uploads"]["photo"]["content_type"] for body in bodies]
    assert declared == ["image/png", "image/webp", "image/webp"]


def test_a_problem_of_the_service_exits_with_1_and_prints_one_line(
    darkroom: Command, service: Service, photo: Path
) -> None:
    service.answers = [problem(422, "invalid_request", "No.", [{"field": "params.style", "message": "unknown"}])]
    result = darkroom("run", "restyle_room", photo, "--style", "boho")
    assert result.exit_code == 1
    assert "darkroom: invalid_request: No. (params.style: unknown)\n" in result.stderr
    result = darkroom("jobs", "list", "--token", "wrong")
    assert result.exit_code == 1
    assert result.stderr == "darkroom: unauthorized: Unauthorized\n"
    result = darkroom("jobs", "list", "--endpoint", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert result.stderr.startswith("darkroom: unreachable: http://127.0.0.1:9 cannot be reached")


def test_a_failed_download_exits_with_1_and_leaves_no_file(darkroom: Command, service: Service, photo: Path) -> None:
    service.storage_answers = []
    service.story = [completed(4, f"{service.url}/nothing/here.jpg")]
    result = darkroom("run", "restyle_room", photo, "--style", "boho")
    assert result.exit_code == 1
    assert "darkroom: not_found:" in result.stderr
    assert list(Path().iterdir()) == []


def test_jobs_are_listed_shown_cancelled_and_watched(darkroom: Command, service: Service) -> None:
    listed = darkroom("jobs", "list", "--limit", 3)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["job", *(f"{n:032x}" for n in range(3))]
    as_json = json.loads(darkroom("jobs", "list", "--json").stdout)
    assert [Job.model_validate(each).job_id for each in as_json] == [f"{n:032x}" for n in range(6)]

    service.job = completed(4, "https://storage.test/result.jpg")
    shown = darkroom("jobs", "show", "a" * 32)
    assert "https://storage.test/result.jpg" in shown.stdout
    assert "Only regraded." in shown.stdout
    assert Job.model_validate_json(darkroom("jobs", "show", "a" * 32, "--json").stdout) == service.job
    assert darkroom("jobs", "watch", "a" * 32).stdout == f"{'a' * 32} completed\n"
    refused = darkroom("jobs", "cancel", "a" * 32)
    assert (refused.exit_code, refused.stderr) == (1, "darkroom: conflict: The job has already ended.\n")

    service.job = job(3, "running")
    assert darkroom("jobs", "cancel", "a" * 32).stdout == f"{'a' * 32} cancelled\n"
    watched = darkroom("jobs", "watch", "a" * 32)
    assert watched.exit_code == 1
    assert "darkroom: cancelled: Cancelled." in watched.stderr
    assert darkroom("jobs", "show", "b" * 32).exit_code == 1


def test_styles_come_from_the_service_or_else_from_the_contract(
    darkroom: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "#ffffff #000000" in darkroom("styles").stdout
    assert [each["name"] for each in json.loads(darkroom("styles", "--json").stdout)] == ["modern"]
    monkeypatch.delenv("DARKROOM_ENDPOINT")
    assert [each["name"] for each in json.loads(darkroom("styles", "--json").stdout)] == list(styles())


def test_status_of_an_endpoint_prints_its_health(darkroom: Command, service: Service) -> None:
    sick = darkroom("status", "--endpoint", service.url)
    assert sick.exit_code == 1
    assert "queue    down: unreachable" in sick.stdout
    assert f"{service.url.replace('http', 'ws')}/socket" in sick.stdout
    service.answers = [JSONResponse({"status": "ok", "parts": {"queue": {"status": "ok"}}})]
    assert darkroom("status", "--endpoint", service.url).exit_code == 0


def test_without_a_stack_commands_name_the_command_that_starts_one(offline: Command) -> None:
    result = offline("jobs", "list")
    assert result.exit_code == 1
    assert "darkroom up" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        (),
        *[(name,) for name in ("run", "jobs", "assets", "styles", "enhance", "demo", "stats", "services", "cache")],
        *[("run", str(kind)) for kind in Kind],
        *[
            ("avatars",),
            ("voices",),
            ("jobs", "watch"),
            ("jobs", "download"),
            ("jobs", "rerun"),
            ("assets", "add"),
            ("cache", "clear"),
            ("up",),
            ("status",),
        ],
    ],
)
def test_every_command_has_help(offline: Command, words: tuple[str, ...]) -> None:
    result = offline(*words, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(" ".join(["Usage:", "root" if not words else ""]).strip())
    assert offline("--version").stdout.startswith("darkroom ")
