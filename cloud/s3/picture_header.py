"""Picture headers: content type and dimensions from the first bytes of a file, without decoding.

JPEG: ITU-T T.81 annex B. PNG: W3C PNG 11.2.1 (IHDR). WebP: RFC 9649.
"""

from dataclasses import dataclass
from typing import get_args

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.jpeg_scans import MAX_SEGMENTS
from darkroom.contract.uploads import MAX_PIXELS, MAX_SIDE, MIN_SIDE, ContentType, content_type_of

ACCEPTED = " or ".join(", ".join(kind.removeprefix("image/").upper() for kind in get_args(ContentType)).rsplit(", ", 1))


@dataclass(frozen=True)
class Header:
    """Sniffed content type, and dimensions in pixels as stored (before any EXIF rotation)."""

    content_type: ContentType
    width: int
    height: int


class IncompleteHeader(Exception):
    """Raised when the header extends beyond the given bytes."""


class NotAPicture(DarkroomError):
    """Raised for a file that is no accepted picture; ``detected`` is its probable type, in words."""

    def __init__(self, detected: str) -> None:
        super().__init__(ErrorCode.UNSUPPORTED_MEDIA, f"This is {detected}. Upload a {ACCEPTED} picture instead.")
        self.detected = detected


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
        case None:
            raise NotAPicture(describe_file(data))
    header = Header(content_type, *size)
    _check_size(header)
    return header


def describe_file(data: bytes) -> str:
    """Return the probable type of a file that is not accepted, in words, with its article."""
    for signature, words in _SIGNATURES:
        if data.startswith(signature):
            return words
    if data[4:8] == b"ftyp":
        return _container(data[8:64])
    return _text(data[:4096]) or "not a picture of a kind we know"


def _container(brands: bytes) -> str:
    if b"avif" in brands or b"avis" in brands:
        return "an AVIF picture"
    if any(brand in brands for brand in (b"heic", b"heix", b"hevc", b"heim", b"mif1", b"msf1")):
        return "a HEIC picture"
    return "a video"


def _text(start: bytes) -> str | None:
    lowered = start.lower()
    if b"<svg" in lowered:
        return "an SVG drawing"
    if b"<html" in lowered or b"<!doctype html" in lowered:
        return "an HTML page"
    # Undecodable bytes are allowed only at the end, where a character may be cut in two.
    decoded = start.decode("utf-8", "replace").rstrip("\N{REPLACEMENT CHARACTER}")
    return None if "\0" in decoded or "\N{REPLACEMENT CHARACTER}" in decoded else "a text file"


_SIGNATURES = (
    (b"GIF87a", "a GIF picture"),
    (b"GIF89a", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"II+\0", "a TIFF picture"),
    (b"MM\0+", "a TIFF picture"),
    (b"BM", "a BMP picture"),
    (b"\0\0\x01\0", "an icon"),
    (b"8BPS", "a Photoshop document"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1aE\xdf\xa3", "a video"),
)

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
                raise DarkroomError(
                    ErrorCode.UNSUPPORTED_MEDIA, f"This is an animated WebP. Upload a {ACCEPTED} picture instead."
                )
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        case _:
            raise _broken_header_error("WEBP")


def _broken_header_error(kind: str) -> DarkroomError:
    return DarkroomError(
        ErrorCode.INVALID_IMAGE, f"The file begins like a {kind} but its header is broken. Save it again and retry."
    )


def _check_size(header: Header) -> None:
    width, height = header.width, header.height
    if width > MAX_SIDE or height > MAX_SIDE:
        raise DarkroomError(
            ErrorCode.TOO_LARGE,
            f"The picture is {width} × {height} pixels; no side may be longer than {MAX_SIDE}. Make it smaller.",
        )
    if width * height > MAX_PIXELS:
        raise DarkroomError(
            ErrorCode.TOO_LARGE,
            f"The picture has {width * height / 1e6:.1f} megapixels ({width} × {height}); "
            f"{MAX_PIXELS / 1e6:.0f} is the limit. Make it smaller.",
        )
    if width < MIN_SIDE or height < MIN_SIDE:
        raise DarkroomError(
            ErrorCode.INVALID_IMAGE,
            f"The picture is {width} × {height} pixels; each side needs at least {MIN_SIDE}.",
        )
