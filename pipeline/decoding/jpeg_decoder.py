"""JPEG decoder: decodes a file of which every pixel is there, and refuses one with missing pixels.

libjpeg fills missing pixels with grey and says nothing. So a file is decoded twice, with other bytes behind its coded
data the second time. Pixels that the file has come out the same; pixels that it has not depend on what follows.

Markers: ITU-T T.81, table B.1.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from PIL import Image, ImageChops

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.jpeg_scans import (
    END_OF_IMAGE,
    FRAME_HEADERS,
    MARKER,
    MAX_SCANS,
    START_OF_SCAN,
    TOO_MANY_SCANS,
    count_scans,
)
from darkroom.contract.picture_size import check_picture_size
from pipeline.decoding.missing_pixels import missing_pixels_error

_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_SOI, _TEM = 0xD8, 0x01
_LOSSLESS, _ARITHMETIC = frozenset((0xC3, 0xC7, 0xCB, 0xCF)), frozenset(range(0xC9, 0xD0))
# What may stand before and between scans: tables (DHT, DAC, DQT, DNL, DRI), applications' segments, comments.
_BETWEEN_SCANS = frozenset((0xC4, 0xCC, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE))
# Applications' segments that tell how to show the pixels: JFIF, EXIF and XMP, the profile, Adobe's colour model.
_NEEDED_SEGMENTS = {
    0xE0: (b"JFIF\0",),
    0xE1: (b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"),
    0xE2: (b"ICC_PROFILE\0",),
    0xEE: (b"Adobe",),
}
_COEFFICIENTS = 64
_ZERO_FILL = 16  # zeros at the end that are no coded data
_BAND_ROWS = 256
_BLOCK, _MIDDLE = 8, 128
_BLEEDING_UNIT = 18  # pixels of a side: four blocks with one chroma block, which is smoothed beyond them

# Bytes that no coded data would have: the first completes a fill byte before it, none is a marker's.
_OTHER_BYTES = b"\0" + bytes((97 * number + 31) % 251 for number in range(255))
_MAX_OTHER_BYTES = 2**25  # in all: a file may have a million restarts
# Arithmetic coders leave out zeros at the end, so that these count as coded.
_IMPLIED_ZEROS = bytes(16)


@dataclass
class _JpegFile:
    """Parts of a JPEG up to its last scan: segments, and the coded data of each scan."""

    parts: list[bytes] = field(default_factory=list)
    scans: list[int] = field(default_factory=list)  # positions in ``parts``
    frame: int = 0  # its marker
    # For each component, the precision of its coefficients: the bits that have not been sent, None before any was.
    precision: dict[int, list[int | None]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether the scans have sent every coefficient of every component to its last bit."""
        return bool(self.scans) and all(bits == 0 for rows in self.precision.values() for bits in rows)

    def encoded(self, other_bytes: bytes = b"") -> bytes:
        """Return a file with an end marker, and ``other_bytes`` behind each run of coded data."""
        parts = list(self.parts)
        if other_bytes:
            for at in self.scans:
                parts[at] = _RESTART.sub(lambda found: other_bytes + found[0], parts[at]) + other_bytes
        return b"\xff\xd8" + b"".join(parts) + b"\xff\xd9"

    def other_bytes(self) -> bytes:
        """Return the bytes that make missing pixels come out different."""
        runs = sum(1 + len(_RESTART.findall(self.parts[at])) for at in self.scans)
        zeros = _IMPLIED_ZEROS if self.frame in _ARITHMETIC else b""
        return zeros + _OTHER_BYTES[: max(16, _MAX_OTHER_BYTES // max(runs, 1))]


def decode_jpeg(data: bytes) -> Image.Image:
    """Decode a JPEG. An end marker may be missing; what follows the picture is ignored.

    Raises ``DarkroomError``: ``invalid_image`` (too many scans, missing pixels), ``too_large``; and Pillow's errors.
    """
    if count_scans(data) > MAX_SCANS:
        raise DarkroomError(ErrorCode.INVALID_IMAGE, TOO_MANY_SCANS)
    file = _read(data)
    if file.scans and not file.complete:
        raise missing_pixels_error()
    image = _decoded(file.encoded())
    other = _decoded(file.encoded(file.other_bytes()))
    different = _different(image, other)
    if different is not None and not _is_rest_of_a_block(image, different):
        raise missing_pixels_error(different[1], image.height)
    return image


def _different(one: Image.Image, other: Image.Image) -> tuple[int, int, int, int] | None:
    """Return the box around all pixels that differ: left, top, right, bottom; None if none do."""
    boxes = []
    for top in range(0, one.height, _BAND_ROWS):
        band = (0, top, one.width, min(top + _BAND_ROWS, one.height))
        found = ImageChops.difference(one.crop(band), other.crop(band)).getbbox(alpha_only=False)
        if found is not None:
            boxes.append((found[0], found[1] + top, found[2], found[3] + top))
    if not boxes:
        return None
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _is_rest_of_a_block(image: Image.Image, different: tuple[int, int, int, int]) -> bool:
    """Return True if the last bits alone of one block are missing, as some encoders leave them out.

    A block without any data is flat, of the middle grey.
    """
    left, top, right, bottom = different
    if max(right - left, bottom - top) > _BLEEDING_UNIT or image.width * image.height < 100 * _BLEEDING_UNIT**2:
        return False
    for y in range(top // _BLOCK * _BLOCK, bottom, _BLOCK):
        for x in range(left // _BLOCK * _BLOCK, right, _BLOCK):
            box = (x, y, min(x + _BLOCK, image.width), min(y + _BLOCK, image.height))
            lows, highs = zip(*_extrema(image.crop(box)), strict=True)
            if min(lows) >= _MIDDLE - 1 and max(highs) <= _MIDDLE + 1:
                return False
    return True


def _extrema(image: Image.Image) -> tuple[tuple[int, int], ...]:
    return tuple(channel.getextrema() for channel in image.split())  # type: ignore[misc]  # of 8 bits


def _decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=("JPEG",))
    check_picture_size(*image.size)
    image.load()
    return image


def _read(data: bytes) -> _JpegFile:
    file = _JpegFile()
    for marker, segment, coded in _segments(data):
        if marker in FRAME_HEADERS:
            if file.frame:
                break
            file.frame = marker
            file.precision = {number: [None] * _COEFFICIENTS for number in segment[10 : 10 + 3 * segment[9] : 3]}
        elif marker == START_OF_SCAN:
            file.scans.append(len(file.parts) + 1)
            _note_scan(file, segment[4:])
        elif marker not in _BETWEEN_SCANS:
            break
        if marker in (*range(0xE0, 0xF0), 0xFE) and not segment[4:].startswith(_NEEDED_SEGMENTS.get(marker, ())):
            continue
        file.parts += (segment, coded) if marker == START_OF_SCAN else (segment,)
    return file


def _note_scan(file: _JpegFile, header: bytes) -> None:
    """Note which coefficients a scan has, of which components."""
    count = header[0] if header else 0
    first, last, bits = header[1 + 2 * count : 4 + 2 * count].ljust(3, b"\0")
    if file.frame in _LOSSLESS:
        first, last, bits = 0, _COEFFICIENTS - 1, 0
    for number in header[1 : 1 + 2 * count : 2]:
        if number in file.precision:
            for coefficient in range(first, min(last, _COEFFICIENTS - 1) + 1):
                file.precision[number][coefficient] = bits & 0x0F


def _segments(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield each whole segment after SOI: its marker, itself, and a scan's coded data.

    Other bytes between segments are left out, as libjpeg skips them.
    """
    at = 2
    while (found := MARKER.search(data, at)) is not None:
        marker, start = data[found.start() + 1], found.start()
        at = found.end()
        if marker == _TEM:
            continue
        if marker in (_SOI, END_OF_IMAGE):
            return
        at += max(int.from_bytes(data[at : at + 2], "big"), 2)
        if at > len(data):
            return
        segment, coded = data[start:at], b""
        if marker == START_OF_SCAN:
            following = MARKER.search(data, at)
            end = following.start() if following else len(data)
            coded, at = data[at:end], end
            if following is None:
                # The file ends without a marker. Zeros at its end are what a phone or a file system has filled in.
                coded = coded.rstrip(b"\0") if coded.endswith(bytes(_ZERO_FILL)) else coded
        yield marker, segment, coded
