"""Upload files of the scenarios: from the repository, or made byte for byte, independent of encoder versions."""

import hashlib
import io
import math
import struct
import wave
import zlib
from array import array
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"

ROOM = (DATA / "living_room.jpg").read_bytes()
ROOM_MASK = (DATA / "living_room_mask.png").read_bytes()
FACE_SOURCE = (DATA / "face_source.jpg").read_bytes()
FACE_TARGET = (DATA / "face_target.jpg").read_bytes()
FACE_GROUP = (DATA / "face_group.jpg").read_bytes()
MUSIC = (DATA / "music.ogg").read_bytes()
_STORED = 65535  # the longest block of a deflate stream that is not compressed


def sha256(data: bytes) -> str:
    """Hex."""
    return hashlib.sha256(data).hexdigest()


def png(width: int, height: int, *red: tuple[int, int, int, int]) -> bytes:
    """A grey picture, not compressed, with red boxes (left, top, right, bottom)."""
    rows = []
    for y in range(height):
        row = bytearray(bytes((120, 128, 136)) * width)
        for left, top, right, bottom in red:
            if top <= y < bottom:
                row[3 * left : 3 * right] = bytes((255, 0, 0)) * (right - left)
        rows.append(b"\0" + bytes(row))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", _stored(b"".join(rows))), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def wav(seconds: float) -> bytes:
    """Bursts of a tone, as a voice has them: mono, 16 bits."""
    rate = 16_000
    # Half a second of 220 Hz is 110 whole periods, so that every half second is like the first.
    burst = [round(16_000 * math.sin(2 * math.pi * 220 * index / rate)) for index in range(rate // 4)]
    half_second = array("h", burst + [0] * (rate // 4))
    samples = half_second * math.ceil(2 * seconds)
    del samples[int(seconds * rate) :]
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.tobytes())
    return file.getvalue()


def _stored(data: bytes) -> bytes:
    blocks = [data[start : start + _STORED] for start in range(0, len(data), _STORED)]
    parts = [b"\x78\x01"]
    for index, block in enumerate(blocks):
        last = index == len(blocks) - 1
        parts.append(struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block)
    return b"".join(parts) + struct.pack(">I", zlib.adler32(data))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


# Red squares are what the tiny detector of faces takes for some.
SQUARE_SOURCE = png(320, 240, (160, 100, 200, 140))
SQUARE_TARGET = png(320, 240, (40, 100, 80, 140))
SMALL = png(200, 130, (20, 20, 60, 60))
VOICE = wav(2.5)
