"""WebP decoder: decodes the chunks that have the picture, whatever else is in the file. RFC 9649, section 2.7."""

import io
from collections.abc import Iterator

from PIL import Image

from darkroom.contract.picture_size import check_picture_size

_NEEDED = frozenset((b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF"))


def decode_webp(data: bytes) -> Image.Image:
    """Decode a WebP, of an animation its first frame. libwebp itself refuses pictures with missing pixels.

    What follows the picture may be damaged or cut off. Raises ``DarkroomError`` (``invalid_image``, ``too_large``),
    and Pillow's errors for a damaged file.
    """
    body = b"".join(_chunks(data))
    file = data[:4] + (len(body) + 4).to_bytes(4, "little") + data[8:12] + body
    image = Image.open(io.BytesIO(file), formats=("WEBP",))
    check_picture_size(*image.size)
    image.load()
    return image


def _chunks(data: bytes) -> Iterator[bytes]:
    """Yield each needed chunk, with its header and its padding; a last one that was cut off only if it has pixels."""
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        chunk = data[at : at + 8 + size]
        if chunk[:4] in _NEEDED and (len(chunk) == 8 + size or chunk[:4] != b"EXIF"):
            yield chunk + bytes(size % 2)
        at += 8 + size + size % 2
