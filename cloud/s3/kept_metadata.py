"""Kept metadata: the two facts of a picture's EXIF and XMP that outlive its cleaning, its orientation and its AI mark.

EXIF is a TIFF file (CIPA DC-008): a header, and the first directory (IFD0), which has the orientation.
"""

import re
from dataclasses import dataclass
from typing import Literal

from darkroom.contract.digital_source import DigitalSource, xmp_packet

UPRIGHT = 1
_ORIENTATION_TAG = 0x0112
_SHORT, _LONG = 3, 4
_EXIF_PREFIX = b"Exif\0\0"
_BYTE_ORDERS: dict[bytes, Literal["little", "big"]] = {b"II*\0": "little", b"MM\0*": "big"}
# As Pillow reads it, which decodes the pictures: where EXIF names no orientation, XMP counts.
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')
_SOURCES = {source.value.encode("ascii"): source for source in DigitalSource}
_MARK = re.compile(rb"http://cv\.iptc\.org/newscodes/digitalsourcetype/[A-Za-z]+")


@dataclass(frozen=True)
class KeptMetadata:
    """Orientation (1 to 8, of EXIF), and the digital source type if it is one that we write."""

    orientation: int
    source: DigitalSource | None

    @property
    def exif(self) -> bytes:
        """A TIFF file with the orientation alone; empty if the picture is upright."""
        if self.orientation == UPRIGHT:
            return b""
        entry = b"".join(
            (_ORIENTATION_TAG.to_bytes(2, "big"), b"\0\3", b"\0\0\0\1", self.orientation.to_bytes(2, "big"), b"\0\0")
        )
        return b"MM\0*\0\0\0\x08\0\1" + entry + b"\0\0\0\0"

    @property
    def xmp(self) -> bytes:
        """An XMP packet with the digital source type alone; empty without one."""
        return b"" if self.source is None else xmp_packet(self.source)


NOTHING_KEPT = KeptMetadata(UPRIGHT, None)


def read_kept_metadata(exif: bytes, xmp: bytes) -> KeptMetadata:
    """Return what is kept of a picture's EXIF and XMP, each empty if it has none. Broken metadata count as none."""
    orientation = _exif_orientation(exif) or _xmp_orientation(xmp)
    return KeptMetadata(orientation if 1 <= orientation <= 8 else UPRIGHT, _digital_source(xmp))


def _exif_orientation(exif: bytes) -> int | None:
    """Return the value of the orientation tag, in or out of its range; None without one."""
    while exif.startswith(_EXIF_PREFIX):
        exif = exif.removeprefix(_EXIF_PREFIX)
    order = _BYTE_ORDERS.get(exif[:4])
    if order is None:
        return None

    def number(at: int, length: int) -> int:
        return int.from_bytes(exif[at : at + length], order)

    directory = number(4, 4)
    found = None
    for at in range(directory + 2, min(directory + 2 + 12 * number(directory, 2), len(exif) - 11), 12):
        if number(at, 2) == _ORIENTATION_TAG and number(at + 4, 4) == 1 and number(at + 2, 2) in (_SHORT, _LONG):
            found = number(at + 8, 2 if number(at + 2, 2) == _SHORT else 4)
    return found


def _xmp_orientation(xmp: bytes) -> int:
    found = _XMP_ORIENTATION.search(xmp)
    return int(found[1]) if found else UPRIGHT


def _digital_source(xmp: bytes) -> DigitalSource | None:
    return next((_SOURCES[url] for url in _MARK.findall(xmp) if url in _SOURCES), None)
