"""Picture headers: format and size from a file's first bytes, and helpful messages for other files."""

import io
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cloud.s3.picture_header import Header, IncompleteHeader, read_header
from darkroom.contract.errors import DarkroomError, ErrorCode


def encoded(format_: str, size: tuple[int, int] = (70, 50), mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, None).save(file, format_, **options)
    return file.getvalue()


def png(width: int, height: int) -> bytes:
    """The beginning of a PNG that claims a size."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (encoded("JPEG"), "image/jpeg"),
        (encoded("JPEG", progressive=True), "image/jpeg"),
        (encoded("JPEG", mode="L"), "image/jpeg"),
        (encoded("JPEG", mode="CMYK"), "image/jpeg"),
        (encoded("JPEG", comment=b"\xff\xc0 a comment like a frame"), "image/jpeg"),
        (encoded("PNG"), "image/png"),
        (encoded("PNG", mode="P"), "image/png"),
        (encoded("PNG", mode="I;16"), "image/png"),
        (encoded("PNG", mode="RGBA"), "image/png"),
        (encoded("WEBP"), "image/webp"),
        (encoded("WEBP", lossless=True), "image/webp"),
        (encoded("WEBP", mode="RGBA", exif=Image.Exif()), "image/webp"),
        (encoded("WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"), "image/webp"),
    ],
)
def test_every_accepted_format_is_read(data: bytes, content_type: str) -> None:
    assert read_header(data) == Header(content_type, 70, 50)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (encoded("GIF"), "a GIF picture"),
        (encoded("BMP"), "a BMP picture"),
        (encoded("TIFF"), "a TIFF picture"),
        (encoded("AVIF"), "an AVIF picture"),
        (encoded("ICO"), "an icon"),
        (encoded("JPEG2000"), "a JPEG 2000 picture"),
        (encoded("PDF"), "a PDF document"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "an AVIF picture"),
        (b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41", "a video"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b"<!DOCTYPE html><title>404</title>", "an HTML page"),
        ("Ein Text, größer als nichts.".encode(), "a text file"),
        ("…".encode() * 2000, "a text file"),
        (b"PK\x03\x04rest", "a ZIP archive"),
        (bytes(range(200)), "not a picture of a kind we know"),
        (encoded("WEBP", save_all=True, append_images=[Image.new("RGB", (70, 50), "red")]), "an animated WebP"),
    ],
)
def test_an_unsupported_file_is_named_in_the_error(data: bytes, words: str) -> None:
    with pytest.raises(DarkroomError) as caught:
        read_header(data)
    assert caught.value.detail.code is ErrorCode.UNSUPPORTED_MEDIA
    assert f"This is {words}. Upload a JPEG, PNG, WebP or HEIC picture." in caught.value.detail.message


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", ErrorCode.EMPTY_FILE),
        (png(30_000, 30_000), ErrorCode.TOO_LARGE),
        (png(16_000, 16_000), ErrorCode.TOO_LARGE),
        (png(16_385, 32), ErrorCode.TOO_LARGE),
        (png(2**31, 2**31), ErrorCode.TOO_LARGE),
        (png(31, 500), ErrorCode.INVALID_IMAGE),
        (png(0, 0), ErrorCode.INVALID_IMAGE),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), ErrorCode.INVALID_IMAGE),
        (b"RIFF\0\0\0\0WEBPVP8 " + bytes(40), ErrorCode.INVALID_IMAGE),
        (b"\xff\xd8\xff\xd9" + bytes(40), ErrorCode.INVALID_IMAGE),
        (b"\xff\xd8\xff\xda\0\x04ab" + bytes(40), ErrorCode.INVALID_IMAGE),
    ],
)
def test_an_unusable_picture_is_rejected(data: bytes, code: ErrorCode) -> None:
    with pytest.raises(DarkroomError) as caught:
        read_header(data)
    assert caught.value.detail.code is code


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_truncated_header_is_incomplete(format_: str) -> None:
    data = encoded(format_)
    whole = next(length for length in range(len(data)) if _reads(data[:length]))
    for length in range(12, whole):
        with pytest.raises(IncompleteHeader):
            read_header(data[:length])


def _reads(data: bytes) -> bool:
    try:
        read_header(data)
    except (IncompleteHeader, DarkroomError):
        return False
    return True


@given(st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP"]), st.binary(max_size=300))
def test_any_bytes_give_a_header_or_a_known_error(start: bytes, rest: bytes) -> None:
    _reads(start + rest)


def test_what_decoders_skip_in_a_jpeg_is_skipped() -> None:
    data = encoded("JPEG")
    junk = b"\0\0 junk \xff\xff\xff\0 and more"
    assert read_header(data[:2] + b"\xff\xe1\0\4ab" + junk + data[2:]) == Header("image/jpeg", 70, 50)
    assert read_header(data[:2] + b"\xff\xe1\0\0" + junk + data[2:]) == Header("image/jpeg", 70, 50)


@pytest.mark.parametrize("filler", [b"\xff\x01", b"\xff\xfe\x00\x02"])
def test_a_jpeg_of_countless_empty_segments_has_a_broken_header(filler: bytes) -> None:
    # Of 8 MB, all that is read for a header, they took seconds of a function that examines ten uploads in fifteen.
    with pytest.raises(DarkroomError) as raised:
        read_header(b"\xff\xd8" + filler * 20_000)
    assert raised.value.detail.code is ErrorCode.INVALID_IMAGE
