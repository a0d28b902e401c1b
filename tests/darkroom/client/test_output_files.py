"""Output files: what replaces a file, where a link leads, and what is written into."""

import errno
import os
import socket
import stat
import sys
import threading
from pathlib import Path
from typing import BinaryIO

import pytest

from darkroom.client import output_files
from darkroom.client.output_files import is_stream, replacing, stream_problem, write_into

if sys.platform == "win32":
    pytest.skip("Windows has no named pipes, and links need rights", allow_module_level=True)


def replace(path: Path, *, private: bool = False) -> None:
    with replacing(path, private=private) as file:
        file.write(b"new")


def test_a_file_is_replaced_and_keeps_its_mode(folder: Path) -> None:
    path = folder / "out.jpg"
    replace(path)
    path.chmod(0o640)
    with path.open("rb") as reader:
        replace(path)
        assert reader.read() == b"new", "a reader keeps the old file"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(folder.iterdir()) == [path]


def test_a_private_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "logins.json"
    path.write_text("old")
    replace(path, private=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_after_an_error_the_file_is_unchanged(folder: Path) -> None:
    path = folder / "out.jpg"
    path.write_text("old")
    with pytest.raises(OSError, match="no room"), replacing(path) as file:
        file.write(b"new")
        raise OSError("no room")
    assert path.read_text() == "old"
    assert list(folder.iterdir()) == [path]


@pytest.mark.parametrize("exists", [True, False])
def test_the_target_of_a_link_is_replaced(tmp_path: Path, exists: bool) -> None:
    target = tmp_path / "elsewhere" / "photo.jpg"
    target.parent.mkdir()
    if exists:
        target.write_text("old")
    link, second = tmp_path / "link.jpg", tmp_path / "second.jpg"
    link.symlink_to(Path("elsewhere/photo.jpg"))
    second.symlink_to(link)
    replace(second)
    assert (link.is_symlink(), second.is_symlink(), target.read_text()) == (True, True, "new")
    assert list(target.parent.iterdir()) == [target]


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.symlink_to(second)
    second.symlink_to(first)
    with pytest.raises(OSError, match="symbolic links"):
        replace(first)
    assert first.is_symlink()


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path: Path) -> None:
    path = tmp_path / f"{'x' * 251}.jpg"
    replace(path)
    assert path.read_text() == "new"


def test_a_mounted_file_is_written_in_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(_source: Path, _target: Path) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    path = folder / "out.jpg"
    path.write_text("old and longer")
    before = path.stat().st_ino
    monkeypatch.setattr(output_files.os, "replace", busy)
    replace(path)
    assert (path.read_text(), path.stat().st_ino) == ("new", before)
    assert list(folder.iterdir()) == [path]


@pytest.fixture
def contents(tmp_path: Path) -> BinaryIO:
    path = tmp_path / "contents"
    path.write_bytes(b"a picture" * 50_000)
    return path.open("rb")


def test_devices_and_pipes_are_streams_and_stay_what_they_are(tmp_path: Path, contents: BinaryIO) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "null.jpg"
    link.symlink_to(os.devnull)
    assert [is_stream(path) for path in (pipe, link, Path(os.devnull), Path("/dev/stdout"))] == [True] * 4
    assert [is_stream(path) for path in (tmp_path, Path(__file__), tmp_path / "missing")] == [False] * 3
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    with contents:
        write_into(pipe, contents)
        write_into(link, contents)
    reader.join(60)
    assert read == [b"a picture" * 50_000]
    assert (pipe.is_fifo(), link.is_symlink(), Path(os.devnull).is_char_device()) == (True, True, True)


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    replace(pipe)
    reader.join(60)
    assert (read, pipe.is_fifo()) == ([b"new"], True)


def test_a_full_device_is_an_error(contents: BinaryIO) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    with contents, pytest.raises(OSError, match="No space left"):
        write_into(Path("/dev/full"), contents)


def test_a_socket_cannot_be_written(tmp_path: Path, contents: BinaryIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener, contents:
        listener.bind("socket")
        assert stream_problem(Path("socket")) == "is a socket"
        with pytest.raises(OSError, match="is a socket"):
            write_into(Path("socket"), contents)
