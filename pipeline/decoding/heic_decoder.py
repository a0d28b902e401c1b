"""HEIC decoder: decodes the primary picture of a HEIF file that is coded in HEVC. ISO/IEC 23008-12.

libheif applies the file's own rotation, mirroring and crop. EXIF's orientation repeats them and is not applied again.
"""

import re
from typing import Any

from PIL import Image

from darkroom.contract.file_signatures import foreign_codec_error
from darkroom.contract.heif_file import CODED, HeifFile
from darkroom.contract.picture_size import check_picture_size
from pipeline.decoding.colour_spaces import coded_profile
from pipeline.decoding.missing_pixels import missing_pixels_error

# ITU-T H.265, 7.3.1: NAL units. Their content never has three bytes like these, which an encoder escapes.
_NO_UNIT = re.compile(rb"\0\0[\0-\2]")
_UNIT_HEADER_BYTES, _LAST_PICTURE_TYPE = 2, 31
_LENGTH_BYTES_AT = 21  # in the decoder configuration (hvcC): how long a unit's length is, less one


def decode_heic(data: bytes) -> Image.Image:
    """Decode a HEIC, of a sequence its primary picture. ``icc_profile`` of its ``info`` tells its colours, if anything.

    Raises ``DarkroomError`` (``invalid_image``, ``too_large``, ``unsupported_media``), and ``ValueError`` for a damaged
    file.
    """
    import pi_heif  # noqa: PLC0415  # most jobs have none

    _check_content(HeifFile(data))
    file = pi_heif.open_heif(data)
    check_picture_size(*file.size)
    image: Image.Image = file.to_pillow()
    image.info = {"icc_profile": file.info.get("icc_profile") or _described(file.info.get("nclx_profile"))}
    # Set by pi-heif for the file's own orientation, which has been applied.
    image.getexif().clear()
    return image


def _check_content(file: HeifFile) -> None:
    """Check that the coded data of every tile are there, which the decoders fill with black or guesses.

    Raises ``DarkroomError``: ``invalid_image``, or ``unsupported_media`` for another codec.
    """
    if file.foreign_codec is not None:
        raise foreign_codec_error(file.foreign_codec)
    if not file.has_all_content:
        raise missing_pixels_error()
    for item in file.needed.values():
        configuration = next((box.body for box in item.properties if box.name == b"hvcC"), None)
        if item.name not in CODED or configuration is None:
            continue
        length_bytes = 1 + (file.data[configuration + _LENGTH_BYTES_AT] & 3)
        if not _is_whole(file.content(item), length_bytes):
            raise missing_pixels_error()


def _is_whole(coded: bytes, length_bytes: int) -> bool:
    """Return True if coded data are a row of NAL units with a picture, and have no gap that was filled with zeros."""
    at, has_picture = 0, False
    while at < len(coded):
        start = at + length_bytes
        end = start + int.from_bytes(coded[at:start], "big")
        unit = coded[start:end]
        if len(unit) < _UNIT_HEADER_BYTES or end > len(coded) or unit[0] & 0x80 or _NO_UNIT.search(unit):
            return False
        has_picture |= unit[0] >> 1 <= _LAST_PICTURE_TYPE
        at = end
    return has_picture


def _described(codes: dict[str, Any] | None) -> bytes | None:
    if not codes:
        return None
    return coded_profile(codes["color_primaries"], codes["transfer_characteristics"])
