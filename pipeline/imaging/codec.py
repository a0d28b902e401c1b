"""Picture encoders: results and progress images without foreign metadata, thumbnails, transparency on white."""

import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from PIL import Image, PngImagePlugin

from darkroom.contract.digital_source import DigitalSource, xmp_packet
from pipeline.core.arrays import Rgb
from pipeline.decoding.picture_decoder import Alpha, DecodedPicture

THUMBNAIL = (480, 360)
JPEG_QUALITY = 95
PROGRESS_IMAGE_QUALITY = 70


def on_white(picture: DecodedPicture) -> Rgb:
    """Composite the picture on white. H×W×3 uint8."""
    if picture.alpha is None:
        return picture.rgb
    coverage = picture.alpha[..., None].astype(np.uint16)
    # (v + 128 + ((v + 128) >> 8)) >> 8 divides by 255 exactly rounded, for v up to 255².
    blend = picture.rgb * coverage + 255 * (255 - coverage) + 128
    return ((blend + (blend >> 8)) >> 8).astype(np.uint8)


def thumbnail(rgb: Rgb) -> Rgb:
    """Shrink the picture to at most 480×360, in its own aspect ratio, never enlarged. h×w×3 uint8."""
    image = Image.fromarray(rgb)
    image.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return np.asarray(image)


def save_jpeg(
    rgb: Rgb,
    path: Path,
    *,
    source: DigitalSource = DigitalSource.TRAINED_ALGORITHMIC_MEDIA,
    on_write: Callable[[], None] = lambda: None,
) -> None:
    """Encode H×W×3 uint8 sRGB as a JPEG: quality 95, no chroma subsampling, the XMP packet as its only metadata.

    ``on_write`` is called often. If it raises, encoding stops and a partial file remains.
    """
    _save(
        Image.fromarray(rgb), path, on_write, format="JPEG", quality=JPEG_QUALITY, subsampling=0, xmp=xmp_packet(source)
    )


def encode_progress_image(rgb: Rgb, quality: int = PROGRESS_IMAGE_QUALITY) -> bytes:
    """Encode a progress image, h×w×3 uint8 sRGB, as a JPEG, marked as trained algorithmic media."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality, xmp=xmp_packet(DigitalSource.TRAINED_ALGORITHMIC_MEDIA))
    return file.getvalue()


def save_png(
    rgb: Rgb,
    alpha: Alpha | None,
    path: Path,
    *,
    source: DigitalSource = DigitalSource.TRAINED_ALGORITHMIC_MEDIA,
    photographic: bool = False,
    on_write: Callable[[], None] = lambda: None,
) -> None:
    """Encode H×W×3 uint8 sRGB, and H×W alpha if any, as a PNG with the XMP packet as its only metadata.

    ``photographic`` pictures have few repetitions. They are compressed by run lengths and Huffman codes alone: a third
    faster at the same size, where drawings would become twice as large. ``on_write``: see ``save_jpeg``.
    """
    image = Image.fromarray(rgb)
    if alpha is not None:
        image.putalpha(Image.fromarray(alpha))
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp_packet(source).decode("utf-8"))
    strategy = zlib.Z_RLE if photographic else zlib.Z_DEFAULT_STRATEGY
    _save(image, path, on_write, format="PNG", pnginfo=text, compress_level=3, compress_type=strategy)


class _NotifyingFile:
    """File wrapper that calls ``on_write`` at every write, as Pillow encodes large pictures piece by piece."""

    def __init__(self, file: BinaryIO, on_write: Callable[[], None]) -> None:
        self._file = file
        self._on_write = on_write

    def write(self, data: bytes) -> int:
        self._on_write()
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _save(image: Image.Image, path: Path, on_write: Callable[[], None], **options: Any) -> None:
    with path.open("wb") as file:
        image.save(cast("BinaryIO", _NotifyingFile(file, on_write)), **options)
