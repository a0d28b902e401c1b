"""Picture headers: content type and dimensions from the first bytes of a file, without decoding.

JPEG: ITU-T T.81 annex B. PNG: W3C PNG 11.2.1 (IHDR). WebP: RFC 9649. HEIC: ISO/IEC 23008-12.
"""

from dataclasses import dataclass

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.file_signatures import NotAPicture, content_type_of, describe_file, foreign_codec_error
from darkroom.contract.heif_file import BrokenHeif, HeifFile, IncompleteHeif
from darkroom.contract.jpeg_scans import END_OF_IMAGE, FRAME_HEADERS, MAX_SEGMENTS, START_OF_SCAN, jpeg_segments
from darkroom.contract.picture_size import check_picture_size
from darkroom.contract.uploads import ContentType


@dataclass(frozen=True)
class Header:
    """Detected content type, and dimensions in pixels: of a HEIC upright, of others before any EXIF rotation."""

    content_type: ContentType
    width: int
    height: int


class IncompleteHeader(Exception):
    """Raised when the header extends beyond the given bytes."""


def read_header(data: bytes) -> Header:
    """Parse the header in the first bytes of a file.

    Raises ``IncompleteHeader`` when more bytes are needed. Raises ``DarkroomError``: ``empty_file``,
    ``unsupported_media`` (naming the actual type), ``invalid_image`` (broken, or a side below 32 pixels) or
    ``too_large`` (a side or the area over the limits).
    """
    if not data:
        raise DarkroomError(ErrorCode.EMPTY_FILE, "The file is empty (0 bytes). Upload the picture again.")
    content_type = content_type_of(data)
    match content_type:
        case "image/jpeg":
            size = _jpeg(data)
        case "image/png":
            size = _png(data)
        case "image/webp":
            size = _webp(data)
        case "image/heic":
            size = _heic(data)
        case None:
            raise NotAPicture(describe_file(data))
    check_picture_size(*size)
    return Header(content_type, *size)


def _jpeg(data: bytes) -> tuple[int, int]:
    """Read the size in the frame header. Bytes between segments are skipped, as decoders do."""
    for number, (marker, payload) in enumerate(jpeg_segments(data)):
        if marker in (START_OF_SCAN, END_OF_IMAGE) or number >= MAX_SEGMENTS:
            raise _broken_header_error("JPEG")
        if marker in FRAME_HEADERS and payload + 5 <= len(data):
            return (
                int.from_bytes(data[payload + 3 : payload + 5], "big"),
                int.from_bytes(data[payload + 1 : payload + 3], "big"),
            )
    raise IncompleteHeader


def _png(data: bytes) -> tuple[int, int]:
    if len(data) < 24:
        raise IncompleteHeader
    if data[8:16] != b"\0\0\0\x0dIHDR":
        raise _broken_header_error("PNG")
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _webp(data: bytes) -> tuple[int, int]:
    if len(data) < 30:
        raise IncompleteHeader
    match data[12:16]:
        case b"VP8 " if data[23:26] == b"\x9d\x01\x2a":
            return (
                int.from_bytes(data[26:28], "little") & 0x3FFF,
                int.from_bytes(data[28:30], "little") & 0x3FFF,
            )
        case b"VP8L" if data[20] == 0x2F:
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            if data[20] & 0x02:
                raise NotAPicture("an animated WebP")
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        case _:
            raise _broken_header_error("WEBP")


def _heic(data: bytes) -> tuple[int, int]:
    try:
        file = HeifFile(data)
    except IncompleteHeif as error:
        raise IncompleteHeader from error
    except BrokenHeif as error:
        raise _broken_header_error("HEIC") from error
    codec = file.foreign_codec
    if codec is not None:
        raise foreign_codec_error(codec)
    return file.size


def _broken_header_error(kind: str) -> DarkroomError:
    return DarkroomError(
        ErrorCode.INVALID_IMAGE, f"The file begins like a {kind} but its header is broken. Save it again and retry."
    )
