"""Segments and scans of a JPEG: found and counted without decoding, because a decoder's time grows with their number.

Markers are those of ITU-T T.81, table B.1. They are found as libjpeg finds them: bytes between segments are skipped.
"""

import re
from collections.abc import Iterator

# Encoders write about 10 scans: libjpeg 10 for colour and 18 for four inks, and mozjpeg chooses from 64 candidates.
# At 50 megapixels a decoder takes some 60 ms a scan, and decodes twice: a file within the limit takes 8 s at most.
MAX_SCANS = 64
# The largest file has 320 full segments. Without a limit, one of 20 MB with empty segments would take 14 s of a
# function that may run for 15.
MAX_SEGMENTS = 10_000
TOO_MANY_SCANS = (
    f"This JPEG has more than {MAX_SCANS} scans or {MAX_SEGMENTS:,} segments, which no ordinary program writes and "
    "which would take long to read. Save it again as a plain (baseline) JPEG and upload the new file."
)

# Two bytes that start a segment: no stuffed zero, no fill byte, no restart (RST0 to RST7).
MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_WITHOUT_SEGMENT = frozenset({0x01, 0xD8})  # TEM, SOI
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})


def count_scans(data: bytes) -> int:
    """Count the scans of a whole JPEG file, up to one more than ``MAX_SCANS``.

    A file with more than ``MAX_SEGMENTS`` segments counts as one with too many scans.

    >>> count_scans(b"\\xff\\xd8" + b"\\xff\\xda\\x00\\x02 pixels" * 3 + b"\\xff\\xd9")
    3
    """
    scans = 0
    for number, (marker, _payload) in enumerate(jpeg_segments(data)):
        if marker == END_OF_IMAGE:
            break
        scans += marker == START_OF_SCAN
        if scans > MAX_SCANS or number >= MAX_SEGMENTS:
            return MAX_SCANS + 1
    return scans


def may_have_several_scans(start: bytes) -> bool:
    """Return False if the first bytes of a JPEG show that a decoder reads one scan alone: all colours, in sequence.

    True also if these bytes end before the first scan, or have more than ``MAX_SEGMENTS`` segments before it.
    """
    components = None
    for number, (marker, payload) in enumerate(jpeg_segments(start)):
        if marker in _PROGRESSIVE or marker == END_OF_IMAGE or number >= MAX_SEGMENTS:
            break
        if marker in FRAME_HEADERS:
            components = start[payload + 5 : payload + 6]
        elif marker == START_OF_SCAN:
            return not components or start[payload : payload + 1] != components
    return True


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield each segment after the start of the image: its marker, and where its content begins."""
    at = 2
    while (found := MARKER.search(data, at)) is not None:
        marker = data[found.start() + 1]
        yield marker, found.end() + 2
        at = _segment_end(data, found.end(), marker)


def _segment_end(data: bytes, at: int, marker: int) -> int:
    return at if marker in _WITHOUT_SEGMENT else at + max(int.from_bytes(data[at : at + 2], "big"), 2)
