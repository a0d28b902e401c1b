"""Output on the command line: paths and names, several results, formats, and reruns."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from darkroom.cli import app
from darkroom.contract.jobs import Job
from tests.darkroom.fake_service import TOKEN, Service
from tests.darkroom.jobs import RESULT
from tests.darkroom.responses import problem


@pytest.fixture(autouse=True)
def signed_in(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_ENDPOINT", service.url)
    monkeypatch.setenv("DARKROOM_TOKEN", TOKEN)


def darkroom(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def body(service: Service, path: str = "/jobs") -> Any:
    """That of the last such POST."""
    return [body for method, where, _, body in service.requests if (method, where) == ("POST", path)][-1]


@pytest.mark.parametrize("words", [("PHOTO", "MASK"), ("PHOTO", "--mask", "MASK"), ("--mask", "MASK", "PHOTO")])
def test_a_role_after_the_first_is_given_by_position_or_by_option(
    service: Service, photo: Path, words: tuple[str, ...]
) -> None:
    mask = photo.with_name("mask.png")
    mask.write_bytes(b"\x89PNG\r\n\x1a\n" + b"mask" * 50)
    result = darkroom("run", "inpaint", *({"PHOTO": photo, "MASK": mask}.get(word, word) for word in words))
    assert result.exit_code == 0, result.output
    assert {upload["key"]: upload["file"] for upload in service.uploads} == {
        b"uploads/a/photo": photo.read_bytes(),
        b"uploads/a/mask": mask.read_bytes(),
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("inpaint", "PHOTO"), ["MASK", "--mask"]),
        (("inpaint", "PHOTO", "PHOTO", "--mask", "PHOTO"), ["--mask", "twice"]),
        (("inpaint", "PHOTO", "--mask", "nothing.png"), ["--mask", "nothing.png", "does not exist"]),
        (("inpaint", "PHOTO", "PHOTO", "--negative-prompt", "cat"), ["--negative-prompt", "only with a prompt"]),
        (("face_swap", "PHOTO", "PHOTO"), ["--consent", "has agreed to it"]),
        (("face_swap", "PHOTO", "--target", "PHOTO", "--consent", "--faces", "most"), ["--faces", "largest"]),
        (("face_swap", "PHOTO", "PHOTO", "--no-consent"), ["--no-consent"]),
        (("generate", "--count", "2"), ["--prompt"]),
        (("generate", "--prompt", "x", "--aspect", "5:1"), ["--aspect", "16:9"]),
        (("upscale", "PHOTO", "-o", "out.webp"), ["--output", "JPEG or PNG"]),
        (("upscale", "PHOTO", "-o", "out.jpg", "--format", "png"), ["--format", "out.jpg"]),
    ],
)
def test_wrong_usage_names_the_flag(service: Service, photo: Path, words: tuple[str, ...], said: list[str]) -> None:
    result = darkroom("run", *(photo if word == "PHOTO" else word for word in words))
    assert result.exit_code == 2
    assert [each for each in said if each not in result.stderr] == []
    assert service.requests == []


def test_consent_is_given_by_a_flag(service: Service, photo: Path) -> None:
    assert darkroom("run", "face_swap", photo, photo, "--consent", "--faces", "0").exit_code == 0
    assert body(service)["params"] == {"faces": "0", "consent": True}


def test_a_face_swap_result_is_named_after_the_target_picture(photo: Path) -> None:
    other = photo.with_name("party.jpg")
    other.write_bytes(photo.read_bytes())
    assert darkroom("run", "face_swap", photo, other, "--consent").stdout == "party_face_swap.jpg\n"


def test_several_results_are_all_written_and_printed(service: Service, tmp_path: Path) -> None:
    service.result_count = 3
    words = ("run", "generate", "--prompt", "A red fox, at night", "--count", 3)
    result = darkroom(*words)
    assert result.exit_code == 0, result.output
    assert result.stdout.split() == ["a_red_fox_at_night.jpg", "a_red_fox_at_night-2.jpg", "a_red_fox_at_night-3.jpg"]
    assert darkroom(*words).stdout.split()[2] == "a_red_fox_at_night_2-3.jpg"
    named = [str(tmp_path / name) for name in ("fox.jpg", "fox-2.jpg", "fox-3.jpg")]
    for _ in range(2):
        assert darkroom(*words, "-o", named[0]).stdout.split() == named
    assert {Path(name).read_bytes() for name in named} == {RESULT}
    placed = darkroom(*words, "--style", "neon", "-o", tmp_path).stdout.split()
    assert placed[1] == str(tmp_path / "a_red_fox_at_night_neon-2.jpg")


def test_the_extension_of_the_output_chooses_the_format(service: Service, photo: Path) -> None:
    darkroom("run", "upscale", photo, "-o", "large.png")
    assert body(service)["params"] == {"format": "png"}
    darkroom("run", "inpaint", photo, photo, "-o", "filled.JPG")
    assert body(service)["params"] == {"format": "jpeg"}
    darkroom("run", "inpaint", photo, photo, "-o", "filled.png")
    assert body(service)["params"] == {}


def test_a_result_of_another_type_gets_the_extension_of_its_type(service: Service, photo: Path) -> None:
    service.content_type = "image/png"
    assert darkroom("run", "inpaint", photo, photo).stdout == "room_inpaint.png\n"
    Path("large.png").write_text("mine")
    result = darkroom("run", "upscale", photo, "-o", "large.jpg")
    assert result.stdout == "large_2.png\n"
    assert "it came as image/png" in result.stderr
    assert Path("large.png").read_text() == "mine"
    assert darkroom("run", "upscale", photo, "-o", "plain").stdout == "plain\n"


def test_a_job_from_the_cache_is_reported_as_cached(service: Service, photo: Path) -> None:
    service.cached = True
    result = darkroom("run", "upscale", photo)
    assert (result.exit_code, result.stdout) == (0, "room_upscale.jpg\n")
    assert "100 %  completed: from the cache, nothing to pay" in result.stderr
    assert service.uploads == []
    darkroom("run", "upscale", photo, "--no-cache")
    assert body(service)["cache"] is False


@pytest.mark.parametrize(("seconds", "words"), [(45, "45 seconds"), (90, "2 minutes"), (7200, "2 hours")])
def test_a_rate_limited_request_prints_the_waiting_time(
    service: Service, photo: Path, seconds: int, words: str
) -> None:
    service.answers = [problem(429, "budget_exceeded", "It is spent.", headers={"Retry-After": str(seconds)})]
    result = darkroom("run", "upscale", photo)
    assert result.exit_code == 1
    assert f"darkroom: budget_exceeded: It is spent. Try again in {words}.\n" in result.stderr


def test_rerun_sends_the_changed_params(service: Service, photo: Path) -> None:
    darkroom("run", "restyle_room", photo, "--style", "boho", "--keep", "sofa")
    words = ("--set", "style=japandi", "--set", "seed=7", "--set", "keep=bed, sofa", "--set", "room=null")
    words = (*words, "--set", "keep-people=false", "--no-cache", "-o", "again.png")
    result = darkroom("jobs", "rerun", "a" * 32, *words)
    assert result.exit_code == 0, result.output
    sent = body(service, f"/jobs/{'a' * 32}/rerun")
    assert sent["cache"] is False
    assert sent["params"] == {
        "style": "japandi", "seed": 7, "keep": ["bed", "sofa"], "room": None, "keep_people": False, "format": "png",
    }  # fmt: skip
    assert len(service.uploads) == 1


def test_rerun_ends_as_run_does(service: Service, photo: Path) -> None:
    darkroom("run", "restyle_room", photo, "--style", "boho")
    result = darkroom("jobs", "rerun", "a" * 32)
    assert (result.exit_code, result.stdout) == (0, "restyle_room_boho.jpg\n")
    as_json = darkroom("jobs", "rerun", "c" * 32, "--json", "-o", "again.jpg")
    assert as_json.exit_code == 0, as_json.output
    assert Job.model_validate_json(as_json.stdout).job_id
    assert Path("again.jpg").read_bytes() == RESULT


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("style", ["NAME=VALUE"]),
        ("colour=red", ["no param 'colour'", "style", "seed"]),
        ("seed=many", ["seed", "integer"]),
        ("style=baroque", ["style", "unknown style", "boho"]),
    ],
)
def test_an_invalid_change_of_params_is_wrong_usage(service: Service, change: str, said: list[str]) -> None:
    result = darkroom("jobs", "rerun", "a" * 32, "--set", change)
    assert result.exit_code == 2
    assert [each for each in ["--set", *said] if each not in result.stderr] == []
    assert [method for method, _, _, _ in service.requests] == ["GET"]
