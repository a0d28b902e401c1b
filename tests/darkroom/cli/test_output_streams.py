"""``-o`` with a device, a pipe or a symbolic link.

The device is a terminal's, in whose folder nobody can create files: a fault that replaces it breaks no machine, as it
would if root's tests used ``/dev/null``.
"""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from darkroom.cli import app
from tests.darkroom.cli.interrupted_command import PROGRAM, environment
from tests.darkroom.fake_service import TOKEN, Service
from tests.darkroom.jobs import RESULT

if sys.platform == "win32":
    pytest.skip("Windows has no named pipes, and links need rights", allow_module_level=True)

import pty
import tty


@pytest.fixture(autouse=True)
def signed_in(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_ENDPOINT", service.url)
    monkeypatch.setenv("DARKROOM_TOKEN", TOKEN)


def darkroom(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def device() -> Iterator[tuple[Path, int]]:
    """A character device, and the descriptor to read what is written into it."""
    reading, writing = pty.openpty()
    tty.setraw(writing)
    yield Path(os.ttyname(writing)), reading
    os.close(reading)
    os.close(writing)


def test_a_device_gets_the_picture_and_stays_a_device(photo: Path, device: tuple[Path, int]) -> None:
    path, descriptor = device
    read: list[bytes] = []

    def read_all() -> None:
        while len(b"".join(read)) < len(RESULT):
            read.append(os.read(descriptor, 4096))

    reader = threading.Thread(target=read_all)
    reader.start()
    result = darkroom("run", "upscale", photo, "-o", path)
    reader.join(60)
    assert result.exit_code == 0, result.output
    assert b"".join(read) == RESULT
    assert result.stdout == ""
    assert f"saved {path}\n" in result.stderr
    assert path.is_char_device()


def test_the_null_device_takes_several_results(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    null = tmp_path / "null"
    os.mkfifo(null)
    monkeypatch.setattr(os, "devnull", str(null))
    service.result_count = 3
    read: list[bytes] = []

    def read_all() -> None:
        while len(b"".join(read)) < 3 * len(RESULT):
            read.append(null.read_bytes())

    reader = threading.Thread(target=read_all)
    reader.start()
    result = darkroom("run", "generate", "--prompt", "fox", "--count", 3, "-o", null)
    reader.join(60)
    assert result.exit_code == 0, result.output
    assert b"".join(read) == 3 * RESULT


def test_a_pipe_gets_the_picture_and_stays_a_pipe(photo: Path) -> None:
    pipe = photo.with_name("pipe.jpg")
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    result = darkroom("run", "upscale", photo, "-o", pipe)
    reader.join(60)
    assert result.exit_code == 0, result.output
    assert read == [RESULT]
    assert pipe.is_fifo()
    assert f"note: writing to the pipe {pipe}, which waits for its reader" in result.stderr


def test_the_picture_on_stdout_is_followed_by_nothing(service: Service, photo: Path) -> None:
    """The path that is printed otherwise would damage it."""
    command = [sys.executable, "-c", PROGRAM, "run", "upscale", str(photo), "-o", "/dev/fd/1"]
    result = subprocess.run(command, env=environment(service), capture_output=True, check=True)
    assert result.stdout == RESULT
    with photo.with_name("log").open("w+b") as log:
        log.write(b"before")
        log.flush()
        subprocess.run(command, env=environment(service), stdout=log, stderr=subprocess.DEVNULL, check=True)
        log.seek(0)
        assert log.read() == b"before" + RESULT, "what was in the file is kept"


@pytest.mark.parametrize(
    "words",
    [
        ("generate", "--prompt", "fox", "--count", "2"),
        ("render_video", "amara", "--script", "Hello.", "--subtitles", "file"),
    ],
)
def test_a_pipe_takes_one_file(service: Service, tmp_path: Path, words: tuple[str, ...]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    result = darkroom("run", *words, "-o", pipe)
    assert result.exit_code == 2
    assert "takes one file, and the job makes several" in result.stderr
    assert service.requests == []


def test_a_job_with_several_results_is_not_downloaded_into_a_pipe(service: Service, tmp_path: Path) -> None:
    service.result_count = 2
    service.job = service.done(4)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    result = darkroom("jobs", "download", service.job.job_id, "-o", pipe)
    assert result.exit_code == 1
    assert f"darkroom: unwritable_file: '{pipe}' takes one file" in result.stderr


def test_a_socket_is_wrong_usage(
    service: Service, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        result = darkroom("run", "upscale", photo, "-o", "socket")
    assert (result.exit_code, service.requests) == (2, [])
    assert "'socket' is a socket" in result.stderr


def test_a_reader_that_goes_away_is_reported(photo: Path) -> None:
    pipe = photo.with_name("pipe.jpg")
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: pipe.open("rb").close())
    reader.start()
    result = darkroom("run", "upscale", photo, "-o", pipe)
    reader.join(60)
    assert result.exit_code == 1
    assert "darkroom: unwritable_file: " in result.stderr


def test_the_target_of_a_link_is_replaced(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "album").mkdir()
    Path("out.jpg").symlink_to(tmp_path / "album/large.jpg")
    for _ in range(2):
        result = darkroom("run", "upscale", photo, "-o", "out.jpg")
        assert (result.exit_code, result.stdout) == (0, "out.jpg\n"), result.output
    assert Path("out.jpg").is_symlink()
    assert (tmp_path / "album/large.jpg").read_bytes() == RESULT


@pytest.mark.parametrize(("target", "said"), [("missing/large.jpg", "does not exist"), ("out.jpg", "symbolic links")])
def test_a_link_that_leads_nowhere_is_wrong_usage(service: Service, photo: Path, target: str, said: str) -> None:
    Path("out.jpg").symlink_to(target)
    result = darkroom("run", "upscale", photo, "-o", "out.jpg")
    assert (result.exit_code, service.requests) == (2, [])
    assert said in result.stderr
