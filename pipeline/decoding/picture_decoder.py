"""Picture decoder: decodes uploads within limits, upright and in sRGB. It runs in the decoder process."""

import io
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.jpeg_scans import MAX_SCANS, TOO_MANY_SCANS, count_scans
from darkroom.contract.uploads import MAX_PIXELS, MAX_SIDE, MIN_SIDE, ContentType, content_type_of
from pipeline.core.arrays import Rgb

Alpha = NDArray[np.uint8]

# Errors of Pillow's decoders for broken files; its PNG reader raises SyntaxError for them.
DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error)

# Signatures: ISO/IEC 10918-1 (SOI and the next marker), PNG 3rd edition §5.2, RFC 9649 §2.4.
_OTHER_SIGNATURES = {
    b"GIF8": "a GIF",
    b"%PDF": "a PDF",
    b"BM": "a BMP",
    b"II*\x00": "a TIFF",
    b"MM\x00*": "a TIFF",
    b"<svg": "an SVG",
    b"<?xml": "an SVG or XML file",
}
_HEIF_BRANDS = {b"heic": "a HEIC", b"heix": "a HEIC", b"mif1": "a HEIF", b"msf1": "a HEIF", b"avif": "an AVIF"}


@dataclass(frozen=True)
class DecodedPicture:
    """A picture in memory: ``rgb`` H×W×3 uint8 sRGB, upright; ``alpha`` H×W uint8, or None when it is opaque."""

    rgb: Rgb
    alpha: Alpha | None


def sniff(head: bytes) -> ContentType:
    """Detect the content type from a file's first bytes (16 or more), regardless of its name.

    Raises ``DarkroomError``: ``empty_file``, or ``unsupported_media`` naming the type if it is known.

    >>> sniff(b"\\xff\\xd8\\xff\\xe0" + bytes(12))
    'image/jpeg'
    """
    if not head:
        raise DarkroomError(ErrorCode.EMPTY_FILE, "The file has no bytes. Upload it again.")
    content_type = content_type_of(head)
    if content_type is not None:
        return content_type
    type_name = next((name for start, name in _OTHER_SIGNATURES.items() if head.lstrip().startswith(start)), None)
    if type_name is None and head[4:8] == b"ftyp":
        type_name = _HEIF_BRANDS.get(head[8:12], "a video or HEIF file")
    raise DarkroomError(
        ErrorCode.UNSUPPORTED_MEDIA,
        f"This is {type_name or 'not a picture we know'}. Upload a JPEG, PNG or WebP.",
    )


def decode_picture_here(path: Path) -> DecodedPicture:
    """Decode a JPEG, PNG or WebP completely: apply the EXIF orientation, convert the colours to sRGB.

    The dimensions are checked before decoding, and so is the number of a JPEG's scans. Only the first frame of an
    animation is used; 16-bit samples are rounded to 8. Nothing interrupts it: elsewhere than in the decoder process,
    call ``pipeline.decoding.client.decode_picture``.

    Raises ``DarkroomError``: ``empty_file``, ``unsupported_media``, ``too_large``, ``invalid_image``.
    """
    with path.open("rb") as file:
        content_type = sniff(file.read(64))
    if content_type == "image/jpeg":
        check_scans(path.read_bytes())
    try:
        with Image.open(path, formats=("JPEG", "PNG", "WEBP")) as image:
            check_size(*image.size)
            image.load()
            _turn_upright(image)
            return _split(image)
    except Image.DecompressionBombError as error:
        raise _too_large(f"more than {MAX_PIXELS:,} pixels") from error
    except DECODE_ERRORS as error:
        raise DarkroomError(
            ErrorCode.INVALID_IMAGE,
            "The picture is damaged or incomplete and cannot be decoded. Export it again and upload the new file.",
        ) from error


def check_size(width: int, height: int) -> None:
    """Check a picture's dimensions, in pixels, against the limits.

    Raises ``DarkroomError``: ``too_large`` or ``invalid_image``.
    """
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise _too_large(f"{width}×{height} pixels")
    if min(width, height) < MIN_SIDE:
        raise DarkroomError(
            ErrorCode.INVALID_IMAGE,
            f"The picture is {width}×{height} pixels; each side must have at least {MIN_SIDE}.",
        )


def check_scans(jpeg: bytes) -> None:
    """Check the number of scans in a whole JPEG file. Raises ``DarkroomError`` (``invalid_image``)."""
    if count_scans(jpeg) > MAX_SCANS:
        raise DarkroomError(ErrorCode.INVALID_IMAGE, TOO_MANY_SCANS)


def _too_large(size: str) -> DarkroomError:
    return DarkroomError(
        ErrorCode.TOO_LARGE,
        f"The picture has {size}; the limits are {MAX_PIXELS:,} pixels and {MAX_SIDE:,} a side. Upload a smaller one.",
    )


def _turn_upright(image: Image.Image) -> None:
    # The pixels of a picture with broken EXIF are still fine.
    with suppress(*DECODE_ERRORS):
        ImageOps.exif_transpose(image, in_place=True)


def _split(image: Image.Image) -> DecodedPicture:
    """Split an image into sRGB colours and an alpha channel, from whichever form of transparency its format uses."""
    alpha = None
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        coverage = np.asarray(image.convert("RGBA").getchannel("A"))
        alpha = None if coverage.min() == 255 else coverage
    return DecodedPicture(np.ascontiguousarray(_srgb(image)), alpha)


def _srgb(image: Image.Image) -> Rgb:
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
    profile = image.info.get("icc_profile")
    if profile:
        converted = _through_profile(image, profile)
        if converted is not None:
            return np.asarray(converted)
    return np.asarray(image.convert("RGB"))


def _with_profile_of(source: Image.Image, target: Image.Image) -> Image.Image:
    target.info = {key: value for key, value in source.info.items() if key == "icc_profile"}
    return target


def _through_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Convert to sRGB by the embedded ICC profile; None if the profile is broken or of another colour model."""
    try:
        embedded = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(embedded) and image.mode == "RGB":
            return image
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, embedded, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, *DECODE_ERRORS):
        return None
