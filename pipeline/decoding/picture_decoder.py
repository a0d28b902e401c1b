"""Picture decoder: decodes uploads within limits, upright and in sRGB. It runs in the decoder process."""

import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.file_signatures import SIGNATURE_BYTES, NotAPicture, content_type_of, describe_file
from darkroom.contract.uploads import MAX_PIXELS, ContentType
from pipeline.core.arrays import Rgb
from pipeline.decoding.colour_spaces import to_srgb
from pipeline.decoding.heic_decoder import decode_heic
from pipeline.decoding.jpeg_decoder import decode_jpeg
from pipeline.decoding.png_decoder import decode_png
from pipeline.decoding.webp_decoder import decode_webp

Alpha = NDArray[np.uint8]

# Errors of Pillow's decoders for broken files; its PNG reader raises SyntaxError for them.
DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error)

BAND_PIXELS = 256_000  # pixels that ``pixel_rows`` copies at a time

_DECODERS: dict[ContentType, Callable[[bytes], Image.Image]] = {
    "image/jpeg": decode_jpeg,
    "image/png": decode_png,
    "image/webp": decode_webp,
    "image/heic": decode_heic,
}


@dataclass(frozen=True)
class DecodedPicture:
    """A picture in memory: ``rgb`` H×W×3 uint8 sRGB, upright; ``alpha`` H×W uint8, or None when it is opaque."""

    rgb: Rgb
    alpha: Alpha | None


def decode_picture_here(path: Path) -> DecodedPicture:
    """Decode a JPEG, PNG, WebP or HEIC completely, see ``decode_image_here``."""
    image, alpha = decode_image_here(path)
    return DecodedPicture(np.asarray(image), alpha)


def decode_image_here(path: Path) -> tuple[Image.Image, Alpha | None]:
    """Decode a JPEG, PNG, WebP or HEIC completely: turn it upright, convert the colours to sRGB.

    Returns the image in Pillow's mode RGB, and its alpha as ``DecodedPicture`` has it.

    The dimensions are checked before decoding, and so is the number of a JPEG's scans. Only the first frame of an
    animation is used; 16-bit samples are rounded to 8. Nothing interrupts it: elsewhere than in the decoder process,
    call ``pipeline.decoding.client.decode_picture``.

    Raises ``DarkroomError``: ``empty_file``, ``unsupported_media``, ``too_large``, ``invalid_image``.
    """
    data = path.read_bytes()
    if not data:
        raise DarkroomError(ErrorCode.EMPTY_FILE, "The file is empty (0 bytes). Upload the picture again.")
    content_type = content_type_of(data[:SIGNATURE_BYTES])
    if content_type is None:
        raise NotAPicture(describe_file(data))
    try:
        image = _DECODERS[content_type](data)
        _turn_upright(image)
        return _split(image)
    except Image.DecompressionBombError as error:
        raise DarkroomError(
            ErrorCode.TOO_LARGE, f"The picture has more than {MAX_PIXELS:,} pixels, the limit. Upload a smaller one."
        ) from error
    except DECODE_ERRORS as error:
        raise DarkroomError(
            ErrorCode.INVALID_IMAGE,
            "The picture is damaged or incomplete and cannot be decoded. Export it again and upload the new file.",
        ) from error


def _turn_upright(image: Image.Image) -> None:
    # The pixels of a picture with broken EXIF are still fine.
    with suppress(*DECODE_ERRORS):
        ImageOps.exif_transpose(image, in_place=True)


def pixel_rows(image: Image.Image) -> Iterator[Rgb]:
    """Yield the pixels of an image in mode RGB from the top, some rows at a time: some are copied as others travel."""
    rows = max(BAND_PIXELS // image.width, 1)
    for top in range(0, image.height, rows):
        yield np.asarray(image.crop((0, top, image.width, min(top + rows, image.height))))


def _split(image: Image.Image) -> tuple[Image.Image, Alpha | None]:
    """Split an image into sRGB colours and an alpha channel, from whichever form of transparency its format uses."""
    alpha = None
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        coverage = np.asarray(image.convert("RGBA").getchannel("A"))
        alpha = None if coverage.min() == 255 else coverage
    return _srgb(image), alpha


def _srgb(image: Image.Image) -> Image.Image:
    if image.mode in {"I", "I;16", "I;16B", "I;16L", "I;16N", "F"}:
        grey = (np.asarray(image).astype(np.float32) / 257).round().clip(0, 255).astype(np.uint8)
        image = _with_profile_of(image, Image.fromarray(grey))
    elif image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
        # Pillow inverts every CMYK JPEG as Adobe writes them; one without Adobe's marker has plain ink values.
        image = _with_profile_of(image, Image.fromarray(255 - np.asarray(image), mode="CMYK"))
    elif image.mode in {"RGBA", "P", "PA", "RGBX", "1", "YCbCr"}:
        image = _with_profile_of(image, image.convert("RGB"))
    elif image.mode == "LA":
        image = _with_profile_of(image, image.getchannel("L"))
    return to_srgb(image, image.info.get("icc_profile"))


def _with_profile_of(source: Image.Image, target: Image.Image) -> Image.Image:
    target.info = {key: value for key, value in source.info.items() if key == "icc_profile"}
    return target
