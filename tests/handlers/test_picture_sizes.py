"""Sizes in picture headers: every byte of each side, and the limits to the pixel."""

import io
import struct

import pytest
from PIL import Image

from cloud.s3.picture_header import IncompleteHeader, read_header
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.uploads import MAX_PIXELS, MAX_SIDE, MIN_SIDE
from tests.handlers.test_picture_header import png

SIZES = [(300, 700), (700, 300), (1025, 258), (4097, 33), (33, 4099)]


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(
    ("format_", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"}),
    ],
    ids=["jpeg", "progressive", "png", "vp8", "vp8l", "vp8x"],
)
def test_sides_above_one_byte_are_read(format_: str, options: dict[str, object], width: int, height: int) -> None:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, format_, **options)
    header = read_header(file.getvalue())
    assert (header.width, header.height) == (width, height)


def jpeg(width: int, height: int, *segments: bytes, frame: int = 0xC0) -> bytes:
    """The beginning of a JPEG: segments, then a frame header."""
    size = struct.pack(">BHH", 8, height, width)
    return b"\xff\xd8" + b"".join(segments) + bytes([0xFF, frame]) + struct.pack(">H", 11) + size + bytes(4)


@pytest.mark.parametrize("frame", [0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC9, 0xCA, 0xCF])
def test_every_frame_header_of_jpeg_has_the_size(frame: int) -> None:
    header = read_header(jpeg(0x1234, 0x0321, frame=frame))
    assert (header.width, header.height) == (0x1234, 0x0321)


@pytest.mark.parametrize("marker", [0xC4, 0xC8, 0xCC, 0xDB, 0xE0, 0xE1, 0xED, 0xFE])
def test_other_segments_are_passed_over_by_their_length(marker: int) -> None:
    body = b"\xff\xc0" + bytes(298)  # what looks like a frame header within it is none
    segment = bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body
    header = read_header(jpeg(500, 400, segment, segment))
    assert (header.width, header.height) == (500, 400)


def test_padding_and_markers_without_a_segment_are_passed_over() -> None:
    header = read_header(jpeg(500, 400, b"\xff\xff\xff\x01", b"\xff\xd0", b"\xff\xd7", b"\xff\xe0\0\x04ab"))
    assert (header.width, header.height) == (500, 400)


def test_a_frame_header_is_read_as_soon_as_its_size_is_there() -> None:
    data = jpeg(500, 400)
    assert read_header(data[:11]).width == 500
    with pytest.raises(IncompleteHeader):
        read_header(data[:10])


@pytest.mark.parametrize(
    ("width", "height"),
    [(MIN_SIDE, MIN_SIDE), (MAX_SIDE, MIN_SIDE), (MIN_SIDE, MAX_SIDE), (MAX_SIDE, MAX_PIXELS // MAX_SIDE)],
)
def test_the_limits_themselves_are_accepted(width: int, height: int) -> None:
    header = read_header(png(width, height))
    assert (header.width, header.height) == (width, height)


@pytest.mark.parametrize(
    ("width", "height", "code", "words"),
    [
        (MIN_SIDE - 1, 400, ErrorCode.INVALID_IMAGE, f"31 × 400 pixels; each side needs at least {MIN_SIDE}."),
        (400, MIN_SIDE - 1, ErrorCode.INVALID_IMAGE, "400 × 31 pixels"),
        (MAX_SIDE + 1, 400, ErrorCode.TOO_LARGE, f"no side may be longer than {MAX_SIDE}"),
        (400, MAX_SIDE + 1, ErrorCode.TOO_LARGE, f"no side may be longer than {MAX_SIDE}"),
        (MAX_SIDE, MAX_PIXELS // MAX_SIDE + 1, ErrorCode.TOO_LARGE, "megapixels"),
    ],
)
def test_one_pixel_beyond_a_limit_is_refused(width: int, height: int, code: ErrorCode, words: str) -> None:
    with pytest.raises(DarkroomError) as refused:
        read_header(png(width, height))
    assert refused.value.detail.code is code
    assert words in refused.value.detail.message
