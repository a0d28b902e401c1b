"""Errors that are not of the service: odd words and names, full disks, and faults of the command itself."""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom.cli import main
from darkroom.client import download, file_upload
from darkroom.client.job_watcher import JobWatcher
from darkroom.contract.jobs import State
from tests.darkroom.fake_service import TOKEN, Service
from tests.darkroom.jobs import RESULT, job

ID = "a" * 32
Darkroom = Callable[..., tuple[int, str, str]]


@pytest.fixture
def darkroom(service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Darkroom:
    """The command as its entry point runs it: returns exit code, standard output and standard error."""
    monkeypatch.setenv("DARKROOM_ENDPOINT", service.url)
    monkeypatch.setenv("DARKROOM_TOKEN", TOKEN)
    monkeypatch.setattr("darkroom.cli.signal.signal", lambda *_: None)

    def run(*words: object) -> tuple[int, str, str]:
        given = [os.fsdecode(word) if isinstance(word, bytes) else str(word) for word in words]
        monkeypatch.setattr(sys, "argv", ["darkroom", *given])
        with pytest.raises(SystemExit) as raised:
            main()
        captured = capsys.readouterr()
        assert isinstance(raised.value.code, int)
        return raised.value.code, captured.out, captured.err

    return run


def restyle(photo: object) -> tuple[object, ...]:
    return "run", "restyle_room", photo, "--style", "boho"


async def fault(*_: Any, **_options: Any) -> None:
    raise ZeroDivisionError("division by zero")


def renamed(photo: Path, name: bytes) -> bytes:
    path = os.path.join(os.fsencode(photo.parent), name)  # noqa: PTH118 - of bytes
    os.link(photo, path)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="file names are Unicode")
def test_a_file_whose_name_is_not_unicode_is_used(darkroom: Darkroom, service: Service, photo: Path) -> None:
    odd = renamed(photo, b"W\xe4nde.jpg")
    code, _, err = darkroom(*restyle(odd))
    assert code == 0, err
    assert [os.fsencode(path) for path in Path().iterdir()] == [b"W\xe4nde_boho.jpg"]
    assert service.uploads[0]["file"] == photo.read_bytes()

    code, _, err = darkroom("assets", "add", odd)
    assert code == 0, err
    (body,) = [body for method, path, _, body in service.requests if (method, path) == ("POST", "/assets")]
    assert body["name"] == "W\ufffdnde.jpg"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("enhance", b"a \xff lamp"), 1, "invalid_request: The request has text that cannot be sent"),
        (("jobs", "show", b"\xff"), 1, "not_found"),
        (("jobs", "list", "--endpoint", b"http://\xff"), 2, "--endpoint"),
        (("run", "generate", "--prompt", b"a \xff lamp"), 2, "--prompt"),
    ],
)
def test_a_word_that_is_not_unicode_is_an_error(
    darkroom: Darkroom, service: Service, words: tuple[object, ...], code: int, said: str
) -> None:
    found, _, err = darkroom(*words)
    assert found == code, err
    assert said in err
    assert [path for method, path, _, _ in service.requests if method == "POST"] == []


@pytest.mark.parametrize("name", ["a" * 251 + ".jpg", "é" * 125 + ".jpg"])
def test_a_result_is_named_after_a_long_name_in_short(darkroom: Darkroom, photo: Path, name: str) -> None:
    code, out, err = darkroom(*restyle(Path(os.fsdecode(renamed(photo, name.encode())))))
    assert code == 0, err
    written = Path(out.strip())
    assert written.read_bytes() == RESULT
    assert written.name.startswith(name[:90])
    assert written.name.endswith("_boho.jpg")


@pytest.mark.parametrize("name", ["o" * 252 + ".jpg", "o" * 251 + ".jpg", "é" * 126 + ".jpg", "x/" * 3000 + "x.jpg"])
def test_a_requested_name_that_is_too_long_is_wrong_usage(
    darkroom: Darkroom, service: Service, photo: Path, name: str
) -> None:
    for words in (restyle(photo), ("jobs", "download", ID), ("jobs", "rerun", ID)):
        code, _, err = darkroom(*words, "-o", name)
        assert code == 2, err
        assert "'--output' / '-o'" in err
    assert service.requests == []


@pytest.mark.parametrize("token", ["geh€im", "gehéim", "geh im", "geh\nim", "geh\x7fim", b"geh\xff"])
def test_a_token_that_no_header_can_carry_is_an_error_without_it(
    darkroom: Darkroom, service: Service, token: "str | bytes"
) -> None:
    code, _, err = darkroom("jobs", "list", "--token", token)
    assert code == 1
    assert err.startswith("darkroom: unauthorized: The token ")
    assert "geh" not in err
    assert service.requests == []


def test_an_unexpected_error_is_one_sentence_with_the_job(
    darkroom: Darkroom, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(download, "fetch", fault)
        code, _, err = darkroom(*restyle(photo))
    assert code == 70
    assert err.splitlines()[-2:] == [
        "darkroom: unexpected: ZeroDivisionError: division by zero. DARKROOM_DEBUG=1 shows where.",
        f"Job {ID} is completed: `darkroom jobs download {ID}` fetches its result.",
    ]
    assert "Traceback" not in err
    assert darkroom("jobs", "download", ID)[0] == 0


def test_debug_shows_the_traceback(darkroom: Darkroom, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "fetch", fault)
    code, _, err = darkroom("--debug", *restyle(photo))
    assert code == 70
    assert "Traceback (most recent call last)" in err
    assert err.splitlines()[-2] == "darkroom: unexpected: ZeroDivisionError: division by zero."
    monkeypatch.setenv("DARKROOM_DEBUG", "1")
    code, _, err = darkroom("jobs", "show", "b" * 32)
    assert code == 1
    assert "Traceback" in err
    assert err.splitlines()[-1] == "darkroom: not_found: There is no such job."


def test_an_unexpected_error_of_the_upload_cancels_the_job(
    darkroom: Darkroom, service: Service, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_upload, "upload_file", fault)
    code, _, err = darkroom(*restyle(photo))
    assert code == 70
    assert err.splitlines()[-1] == f"Job {ID} was cancelled."
    assert service.job.state is State.CANCELLED


def test_an_unexpected_error_while_watching_names_the_job(
    darkroom: Darkroom, service: Service, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.story = [job(3, "running", message="Measuring")]
    monkeypatch.setattr(JobWatcher, "_accept", lambda *_: 1 / 0)
    code, _, err = darkroom(*restyle(photo))
    assert code == 70
    follow = f"`darkroom jobs watch {ID}` follows it, `darkroom jobs download {ID}` fetches its result."
    assert err.splitlines()[-1] == f"Job {ID} goes on: {follow}"


def test_a_job_of_a_temporary_stack_is_not_said_to_be_kept(
    darkroom: Darkroom, service: Service, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = Path(".darkroom", service.url.rpartition(":")[2], "private")
    mark.parent.mkdir(parents=True)
    mark.touch()
    monkeypatch.setattr(download, "fetch", fault)
    _, _, err = darkroom(*restyle(photo))
    assert err.splitlines()[-1].startswith(f"Job {ID} ends with the temporary local stack.")


def test_a_result_that_cannot_be_written_names_the_job(
    darkroom: Darkroom, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "fetch", full)
    code, _, err = darkroom(*restyle(photo))
    assert code == 1
    assert err.splitlines()[-2:] == [
        "darkroom: unwritable_file: room_boho.jpg cannot be written: No space left on device.",
        f"Job {ID} is completed: `darkroom jobs download {ID}` fetches its result.",
    ]
