"""Protocol between worker and decoder: a child that writes what it should not, or never waits."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.stages import JobAbandoned
from pipeline.decoding.client import decode_picture, decode_sound
from pipeline.decoding.pool import DecoderPool
from pipeline.decoding.protocol import FRAME
from tests.pipeline.uninterrupted import go_on


def _header(width: int, height: int) -> bytes:
    text = f'{{"width": {width}, "height": {height}, "alpha": false}}'.encode()
    return FRAME.pack(b"H", len(text)) + text


def writing(frames: Path) -> str:
    """Return a program for the child that writes a file's bytes in place of its own."""
    program = f"import sys, pathlib; sys.stdout.buffer.write(pathlib.Path({str(frames)!r}).read_bytes())"
    # It waits for the request, so that it does not end before it is asked.
    return f"{program}; sys.stdout.flush(); sys.stdin.readline()"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(path)
    return path


@pytest.mark.parametrize(
    "frames",
    [
        b"?" + bytes(8),
        FRAME.pack(b"H", 2**40),
        FRAME.pack(b"D", 3) + b"abc",
        FRAME.pack(b"H", 2) + b"{}",
        FRAME.pack(b"E", 2) + b"{}",
        FRAME.pack(b"Z", 0),
        _header(64, 64) + FRAME.pack(b"D", 5) + b"abcde",
        _header(100_000, 100_000) + FRAME.pack(b"D", 3 * 10**10),
        _header(64, 64) + FRAME.pack(b"D", 192) + bytes(192) + FRAME.pack(b"Z", 0),
        _header(64, 64) + FRAME.pack(b"D", 192) + bytes(192) + FRAME.pack(b"D", 0),
        _header(64, 64) + FRAME.pack(b"D", 192) + bytes(192) + FRAME.pack(b"D", 5) + bytes(5),
        _header(32, 32) + FRAME.pack(b"D", 3072) + bytes(3072) + FRAME.pack(b"D", 0),
    ],
)
def test_a_decoder_that_was_taken_over_gets_nothing_past_the_worker(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames: bytes
) -> None:
    (tmp_path / "frames").write_bytes(FRAME.pack(b"R", 0) + frames)
    monkeypatch.setattr("pipeline.decoding.decoder_process._BOOTSTRAP", writing(tmp_path / "frames"))
    with pytest.raises(DarkroomError) as raised:
        decode_picture(photo, go_on, decoders=DecoderPool())
    assert raised.value.detail.code is ErrorCode.INVALID_IMAGE


def test_music_is_stopped_though_its_decoder_always_has_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block = FRAME.pack(b"D", 8) + bytes(8)
    header = b'{"seconds": null}'
    (tmp_path / "frames").write_bytes(
        FRAME.pack(b"R", 0) + FRAME.pack(b"H", len(header)) + header + block * 9 + FRAME.pack(b"Z", 0)
    )
    monkeypatch.setattr("pipeline.decoding.decoder_process._BOOTSTRAP", writing(tmp_path / "frames"))
    monkeypatch.setattr("pipeline.decoding.decoder_process.POLL_SECONDS", 0)
    cancelled = False

    def check() -> None:
        if cancelled:
            raise JobAbandoned

    blocks = decode_sound(tmp_path / "music.wav", "stereo", "The music", check, decoders=DecoderPool())
    next(blocks)
    cancelled = True
    with pytest.raises(JobAbandoned):
        next(blocks)
