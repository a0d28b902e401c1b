"""Picture encoders: results and progress images without foreign metadata, thumbnails, transparency on white."""

import io
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from PIL import Image, PngImagePlugin

from pipeline.core.arrays import Rgb
from pipeline.decoding.picture_decoder import Alpha, DecodedPicture

THUMBNAIL = (480, 360)
JPEG_QUALITY = 95
PROGRESS_IMAGE_QUALITY = 70

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <Iptc4xmpExt:DigitalSourceType>{source}</Iptc4xmpExt:DigitalSourceType>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


class DigitalSource(StrEnum):
    """IPTC Digital Source Type NewsCodes that apply to our results."""

    TRAINED_ALGORITHMIC_MEDIA = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    COMPOSITE_WITH_TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    COMPOSITE_SYNTHETIC = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"
    ALGORITHMICALLY_ENHANCED = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"


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
    image.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS, reducing_gap=3.0)
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


def encode_progress_image(rgb: Rgb) -> bytes:
    """Encode a progress image, h×w×3 uint8 sRGB, as a JPEG of quality 70, marked as trained algorithmic media."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(
        file, "JPEG", quality=PROGRESS_IMAGE_QUALITY, xmp=xmp_packet(DigitalSource.TRAINED_ALGORITHMIC_MEDIA)
    )
    return file.getvalue()


def save_png(
    rgb: Rgb,
    alpha: Alpha | None,
    path: Path,
    *,
    source: DigitalSource = DigitalSource.TRAINED_ALGORITHMIC_MEDIA,
    on_write: Callable[[], None] = lambda: None,
) -> None:
    """Encode H×W×3 uint8 sRGB, and H×W alpha if any, as a PNG with the XMP packet as its only metadata.

    ``on_write``: see ``save_jpeg``.
    """
    image = Image.fromarray(rgb)
    if alpha is not None:
        image.putalpha(Image.fromarray(alpha))
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp_packet(source).decode("utf-8"))
    _save(image, path, on_write, format="PNG", pnginfo=text, compress_level=3)


def xmp_packet(source: DigitalSource) -> bytes:
    """Build the XMP packet (ISO 16684-1) with the picture's IPTC Extension ``DigitalSourceType``."""
    return _XMP.format(source=source.value).encode("utf-8")


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
