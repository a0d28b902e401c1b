"""Upload files, made in memory: valid ones, and every kind that people upload by mistake or on purpose."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

GPS_IFD = 0x8825
ORIENTATION = 0x0112


def room(width: int = 320, height: int = 240) -> Image.Image:
    """A drawn room: ceiling, back wall and floor, with a red marker in its upper left corner."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[: height // 5] = (235, 233, 228)
    pixels[height // 5 : 2 * height // 3] = (200, 190, 170)
    pixels[2 * height // 3 :] = (120, 85, 55)
    pixels[:24, :24] = (220, 20, 20)
    return Image.fromarray(pixels)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """The file's bytes; ``kind`` is a Pillow format name."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(width: int = 320, height: int = 240) -> bytes:
    return encode(room(width, height), "JPEG", quality=90)


def exif_rotated() -> bytes:
    """Stored on its side with orientation 6 and a GPS position: upright it is 320×240."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[GPS_IFD] = {1: "N", 2: (48.0, 51.0, 29.0), 3: "E", 4: (2.0, 17.0, 40.0)}
    return encode(room().rotate(90, expand=True), "JPEG", exif=exif)


def sixteen_bit() -> bytes:
    wide = np.asarray(room().convert("L")).astype(np.uint16) * 257
    return encode(Image.fromarray(wide), "PNG")


def alpha() -> bytes:
    image = room().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return encode(image, "PNG")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb(side: int = 30_000) -> bytes:
    """A valid PNG of one colour, ``side`` pixels square, well under a megabyte: one bit a pixel."""
    row = bytes(1 + (side + 7) // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><rect width="40" height="40"/></svg>'
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
AVIF = b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00mif1avif" + bytes(200)
TEXT = b"Dear Darkroom, this is not a photo.\n" * 8
