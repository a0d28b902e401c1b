"""Decoding in odd surroundings: names, working directories, machines at their limits, systems without POSIX."""

import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.decoding.client import decode_picture, decode_sound
from pipeline.decoding.pool import DecoderPool
from pipeline.speech.types import SAMPLE_RATE
from tests.pipeline.uninterrupted import go_on

ROOT = Path(__file__).parents[3]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)).save(path)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse names that are no Unicode")
def test_a_file_whose_name_is_no_unicode_is_decoded(photo: Path, pool: DecoderPool) -> None:
    odd = photo.with_name(os.fsdecode(b"photo \xff \n.png"))
    photo.rename(odd)
    assert decode_picture(odd, go_on, decoders=pool).rgb.shape == (64, 64, 3)


def test_a_relative_path_is_found_after_the_worker_has_moved(
    photo: Path, pool: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode_picture(photo, go_on, decoders=pool)
    monkeypatch.chdir(photo.parent)
    assert decode_picture(Path(photo.name), go_on, decoders=pool).rgb.shape == (64, 64, 3)


def test_a_picture_is_decoded_though_the_working_directory_is_gone(tmp_path: Path, photo: Path) -> None:
    (tmp_path / "gone").mkdir()
    # With -c, the first entry of sys.path is the working directory.
    program = (
        "import os, sys; sys.path.append(sys.argv[2]); from pathlib import Path\n"
        "from pipeline.decoding.client import decode_picture\n"
        "os.rmdir(os.getcwd()); print(decode_picture(Path(sys.argv[1]), lambda: None).rgb.shape)"
    )
    command = [sys.executable, "-c", program, str(photo), str(ROOT)]
    assert subprocess.check_output(command, cwd=tmp_path / "gone", text=True) == "(64, 64, 3)\n"


def test_a_machine_that_starts_no_thread_leaves_no_process(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Popen(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self)

    def start(_thread: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(subprocess, "Popen", Popen)
    with monkeypatch.context() as patch, pytest.raises(DarkroomError) as raised:
        patch.setattr(threading.Thread, "start", start)
        decode_picture(photo, go_on, decoders=DecoderPool())
    assert (raised.value.detail.code, raised.value.detail.retryable) == (ErrorCode.CONTAINER_FAILED, True)
    assert [process.returncode is not None for process in started] == [True]


@pytest.mark.parametrize("medium", ["picture", "sound"])
def test_decoding_works_without_poll_and_posix_limits(
    photo: Path, tmp_path: Path, medium: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows: neither worker nor child find the modules and functions that it lacks."""
    from pipeline.decoding import decoder_process  # noqa: PLC0415
    from tests.pipeline.video.test_decoder import save, tone  # noqa: PLC0415

    without = (
        "import sys, os, select, signal; sys.modules['fcntl'] = sys.modules['resource'] = None; "
        "del os.readv, select.poll, signal.setitimer; "
    )
    monkeypatch.setattr(decoder_process, "_BOOTSTRAP", without + decoder_process._BOOTSTRAP)
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.delattr(os, "readv")
    monkeypatch.delattr(select, "poll")
    pool = DecoderPool()
    if medium == "picture":
        assert decode_picture(photo, go_on, decoders=pool).rgb.shape == (64, 64, 3)
    else:
        music = save(tmp_path / "music.wav", tone(2), "pcm_s16le", "s16")
        assert sum(map(len, decode_sound(music, "stereo", "The music", go_on, decoders=pool))) == 2 * SAMPLE_RATE
    pool.close()
