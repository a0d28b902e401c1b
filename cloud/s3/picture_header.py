"""Picture headers: content type and dimensions from the first bytes of a file, without decoding.

JPEG: ITU-T T.81 annex B. PNG: W3C PNG 11.2.1 (IHDR). WebP: RFC 9649. HEIC: ISO/IEC 23008-12.
"""

from dataclasses import dataclass

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.file_signatures import NotAPicture, content_type_of, describe_file
from darkroom.contract.heif_file import BrokenHeif, HeifFile, IncompleteHeif
from darkroom.contract.jpeg_scans import MAX_SEGMENTS
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


# Frame headers (SOF): C0 to CF without DHT (C4), JPG (C8) and DAC (CC). Markers without a segment: RST, TEM, padding.
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MARKERS_WITHOUT_SEGMENT = frozenset({0x01, *range(0xD0, 0xD8)})
_START_OF_SCAN, _END = 0xDA, 0xD9


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    for _segment in range(MAX_SEGMENTS):
        if at + 2 > len(data):
            raise IncompleteHeader
        if data[at] != 0xFF:
            raise _broken_header_error("JPEG")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _MARKERS_WITHOUT_SEGMENT:
            at += 2
            continue
        if marker in (_START_OF_SCAN, _END):
            raise _broken_header_error("JPEG")
        if at + 9 > len(data):
            raise IncompleteHeader
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _FRAME_HEADERS:
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        if length < 2:
            raise _broken_header_error("JPEG")
        at += 2 + length
    raise _broken_header_error("JPEG")


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
        raise NotAPicture(f"a HEIF picture that is coded as {codec}, not in HEVC")
    return file.size


def _broken_header_error(kind: str) -> DarkroomError:
    return DarkroomError(
        ErrorCode.INVALID_IMAGE, f"The file begins like a {kind} but its header is broken. Save it again and retry."
    )
