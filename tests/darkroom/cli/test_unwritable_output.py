"""Output that cannot be written as it is, in a separate process: other encodings, full disks, and closed pipes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from darkroom.contract.jobs import Job
from tests.darkroom.fake_service import TOKEN, Service
from tests.darkroom.jobs import RESULT, job
from tests.paths import ROOT

TEXT = "Wände, 墙, 😀"
needs_full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="file names of bytes, and pipes of POSIX")


class Command:
    """Runs ``darkroom`` against the fake service, in another process."""

    def __init__(self, service: Service) -> None:
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LC_", "LANG"))},
            "PYTHONPATH": str(ROOT),
            "DARKROOM_ENDPOINT": service.url,
            "DARKROOM_TOKEN": TOKEN,
        }

    def __call__(
        self,
        *words: object,
        redirection: str | None = None,
        stdout: IO[bytes] | int = subprocess.PIPE,
        **variables: str,
    ) -> "subprocess.CompletedProcess[bytes]":
        """``redirection`` is that of a shell."""
        given = (word if isinstance(word, bytes) else str(word) for word in words)
        command = [sys.executable, "-m", "darkroom.cli", *given]
        if redirection is not None:
            command = ["sh", "-c", f'"$@" {redirection}', "sh", *command]
        environment = {**self._environment, **variables}
        return subprocess.run(command, env=environment, stdout=stdout, stderr=subprocess.PIPE, check=False)


@pytest.fixture
def darkroom(service: Service) -> Command:
    return Command(service)


def restyle(photo: object) -> tuple[object, ...]:
    return "run", "restyle_room", photo, "--style", "boho"


def errors(ran: "subprocess.CompletedProcess[bytes]") -> str:
    """Standard error, which has no traceback, nor errors of the interpreter's end."""
    text = ran.stderr.decode()
    assert "Traceback" not in text
    assert "Exception ignored" not in text
    return text


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=lambda variables: next(iter(variables.values())),
)
def test_text_that_the_output_cannot_show_is_escaped(
    darkroom: Command, service: Service, photo: Path, variables: dict[str, str]
) -> None:
    odd = os.fsencode(photo.parent) + "/墙".encode() + b"\xe4.jpg"
    os.link(photo, odd)
    ran = darkroom(*restyle(odd), **variables)
    assert ran.returncode == 0, errors(ran)
    assert [path.read_bytes() for path in Path().iterdir()] == [RESULT]
    assert os.fsencode(next(Path().iterdir())) == "墙".encode() + b"\xe4_boho.jpg"

    service.job = job(3, "running", message=TEXT, stage="depth")
    table = darkroom("jobs", "list", **variables)
    assert table.returncode == 0, errors(table)
    ran = darkroom("jobs", "show", "a" * 32, "--json", **variables)
    assert ran.returncode == 0, errors(ran)
    encoding = "cp1252" if "cp1252" in variables.values() else "utf-8"
    assert Job.model_validate(json.loads(ran.stdout.decode(encoding))).message == TEXT


@needs_full_device
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_full_disk_at_standard_output_loses_no_result(darkroom: Command, photo: Path, flags: tuple[str, ...]) -> None:
    ran = darkroom(*restyle(photo), *flags, redirection="> /dev/full")
    assert ran.returncode == 1
    assert errors(ran).splitlines()[-2:] == [
        "darkroom: unwritable_output: Standard output cannot be written: No space left on device.",
        f"Job {'a' * 32} is completed; saved: room_boho.jpg",
    ]
    assert Path("room_boho.jpg").read_bytes() == RESULT


@needs_full_device
@pytest.mark.parametrize("words", [("jobs", "list"), ("--version",), ("--help",)])
def test_a_full_disk_at_standard_output_is_an_error_of_one_line(darkroom: Command, words: tuple[str, ...]) -> None:
    ran = darkroom(*words, redirection="> /dev/full")
    assert errors(ran) == "darkroom: unwritable_output: Standard output cannot be written: No space left on device.\n"
    assert ran.returncode == 1


@needs_full_device
def test_a_full_disk_at_standard_error_stops_no_job(darkroom: Command, photo: Path) -> None:
    ran = darkroom(*restyle(photo), redirection="2> /dev/full")
    assert (ran.returncode, ran.stdout) == (0, b"room_boho.jpg\n")


@pytest.mark.parametrize("words", [("jobs", "list"), ("jobs", "list", "--json")])
def test_a_reader_that_has_gone_ends_the_command_silently(darkroom: Command, words: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        ran = darkroom(*words, stdout=pipe)
    assert (ran.returncode, errors(ran)) == (141, "")


def test_closed_standard_output_is_no_error(darkroom: Command, photo: Path) -> None:
    for words in (restyle(photo), ("jobs", "list")):
        ran = darkroom(*words, redirection=">&-")
        assert ran.returncode == 0, errors(ran)
    assert Path("room_boho.jpg").read_bytes() == RESULT
