"""Metadata removal: takes the metadata out of a picture file without decoding it, so that no pixel changes.

Only what a decoder needs stays, by lists of what is known; and of the rest, the orientation and the AI mark. So
positions, names, dates, comments, previews and appended files are gone, in whatever form a camera has written them.

JPEG: ITU-T T.81 annex B. PNG: W3C PNG 5.3. WebP: RFC 9649.
"""

import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice

from cloud.s3.heif_metadata import clean_heif
from cloud.s3.kept_metadata import NOTHING_KEPT, UPRIGHT, KeptMetadata, read_kept_metadata
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.file_signatures import content_type_of
from darkroom.contract.jpeg_scans import MARKER

# A PNG of 20 MB has some 2,500 chunks. Each takes about a microsecond and a hundred bytes here.
MAX_PARTS = 100_000
# More than metadata need; a compressed text may be a thousand times its size.
_MAX_TEXT_BYTES = 2**20


def remove_metadata(data: bytes) -> bytes:
    """Return a JPEG, PNG, WebP or HEIC file without its metadata: the same bytes if there is nothing to remove.

    Its pixels, colour profile, resolution, orientation and AI mark stay. What follows the end of the picture goes, and
    so does whatever is not known to be needed for decoding. A broken file stays broken or is mended. Frames of an
    animated WebP are not searched.

    Raises ``DarkroomError`` (``invalid_image``) for a file of more than ``MAX_PARTS`` segments or chunks.
    """
    match content_type_of(data):
        case "image/jpeg":
            return _clean_jpeg(data)
        case "image/png":
            return _clean_png(data)
        case "image/webp":
            return _clean_webp(data)
        case "image/heic":
            return clean_heif(data)
        case None:
            return data


def _parts(parts: Iterable[bytes]) -> list[bytes]:
    found = list(islice(parts, MAX_PARTS + 1))
    if len(found) > MAX_PARTS:
        raise DarkroomError(
            ErrorCode.INVALID_IMAGE,
            f"The file has more than {MAX_PARTS:,} segments, which no ordinary program writes. "
            "Save the picture again and upload the new file.",
        )
    return found


# JPEG.
_TEM, _SOI, _EOI, _SOS, _APP0, _APP1, _APP2, _APP14 = 0x01, 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE
_WITHOUT_SEGMENT = frozenset({_TEM, _SOI, _EOI})
# Frames, tables and scans: SOF, DHT, DAC, SOS, DQT, DNL, DRI, DHP, EXP. JPG (C8) is reserved.
_NEEDED_MARKERS = frozenset(range(0xC0, 0xE0)) - {0xC8}
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_JFIF_BYTES, _ADOBE_BYTES = 14, 12  # what decoders read of them; a thumbnail may follow


def _clean_jpeg(data: bytes) -> bytes:
    segments = _parts(_jpeg_segments(data))
    exif = b"".join(_payload(segment)[len(_EXIF) :] for segment in segments if _is_app1(segment, _EXIF))
    xmp = b"".join(_payload(segment)[len(_XMP) :] for segment in segments if _is_app1(segment, _XMP))
    kept = read_kept_metadata(exif, xmp)
    cleaned = [segment for segment in map(_clean_segment, segments) if segment]
    # JFIF stands first, by its definition.
    at = 1 if cleaned and cleaned[0][1] == _APP0 else 0
    cleaned[at:at] = [
        _segment(_APP1, prefix + content) for prefix, content in ((_EXIF, kept.exif), (_XMP, kept.xmp)) if content
    ]
    return data[:2] + b"".join(cleaned)


def _jpeg_segments(data: bytes) -> Iterator[bytes]:
    """Yield each segment after SOI, up to EOI; a scan's coded data belong to its segment.

    Other bytes between segments are left out: decoders skip them. That holds for coded data after a segment, too.
    """
    at = 2
    while (found := MARKER.search(data, at)) is not None:
        marker, start = data[found.start() + 1], found.start()
        at = found.end()
        if marker not in _WITHOUT_SEGMENT:
            at += max(int.from_bytes(data[at : at + 2], "big"), 2)
        if marker == _SOS:
            following = MARKER.search(data, at)
            at = following.start() if following else len(data)
        yield data[start:at]
        if marker == _EOI:
            return


def _clean_segment(segment: bytes) -> bytes:
    """Return what is needed of a JPEG's segment; empty if nothing is."""
    marker, payload = segment[1], _payload(segment)
    if marker in _NEEDED_MARKERS or marker == _TEM:
        return segment
    if marker == _APP0 and payload.startswith(b"JFIF\0") and len(payload) >= _JFIF_BYTES:
        return _segment(_APP0, payload[: _JFIF_BYTES - 2] + b"\0\0")
    if marker == _APP2 and payload.startswith(b"ICC_PROFILE\0"):
        return segment
    if marker == _APP14 and payload.startswith(b"Adobe"):
        return _segment(_APP14, payload[:_ADOBE_BYTES])
    return b""


def _segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload


def _payload(segment: bytes) -> bytes:
    """The content of an application segment. Of other segments it has no meaning."""
    return segment[4:]


def _is_app1(segment: bytes, prefix: bytes) -> bool:
    return segment[1] == _APP1 and _payload(segment).startswith(prefix)


# PNG. Image, palette, transparency, colours, resolution, animation.
_PNG_SIGNATURE_BYTES = 8
_NEEDED_CHUNKS = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD pHYs acTL fcTL fdAT".split()
)
_XMP_KEYWORD, _EXIF_KEYWORD = b"XML:com.adobe.xmp", b"Raw profile type exif"


def _clean_png(data: bytes) -> bytes:
    chunks = _parts(_png_chunks(data))
    texts = dict(filter(None, (_png_text(chunk) for chunk in chunks)))
    exif = next((chunk[8:-4] for chunk in chunks if chunk[4:8] == b"eXIf"), None)
    if exif is None:
        exif = _hexadecimal_profile(texts.get(_EXIF_KEYWORD, b""))
    kept = read_kept_metadata(exif, texts.get(_XMP_KEYWORD, b""))
    cleaned = [chunk for chunk in chunks if chunk[4:8] in _NEEDED_CHUNKS]
    added = [_chunk(b"eXIf", kept.exif)] if kept.exif else []
    if kept.xmp:
        added.append(_chunk(b"iTXt", _XMP_KEYWORD + bytes(5) + kept.xmp))
    at = 1 if cleaned and cleaned[0][4:8] == b"IHDR" else 0
    cleaned[at:at] = added
    return data[:_PNG_SIGNATURE_BYTES] + b"".join(cleaned)


def _png_chunks(data: bytes) -> Iterator[bytes]:
    """Yield each chunk up to IEND, with length, type and checksum; the last one may be cut off."""
    at = _PNG_SIGNATURE_BYTES
    while at < len(data):
        chunk = data[at : at + 12 + int.from_bytes(data[at : at + 4], "big")]
        yield chunk
        if chunk[4:8] == b"IEND":
            return
        at += len(chunk)


def _chunk(name: bytes, payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + name + payload + zlib.crc32(name + payload).to_bytes(4, "big")


def _png_text(chunk: bytes) -> tuple[bytes, bytes] | None:
    """Return keyword and text of a text chunk; None for other chunks, other keywords and broken ones."""
    if chunk[4:8] not in (b"tEXt", b"zTXt", b"iTXt"):
        return None
    keyword, _, rest = chunk[8:-4].partition(b"\0")
    if keyword not in (_XMP_KEYWORD, _EXIF_KEYWORD):
        return None
    if chunk[4:8] == b"tEXt":
        return keyword, rest
    if chunk[4:8] == b"zTXt":
        return keyword, _inflated(rest[1:])
    text = rest[2:].split(b"\0", 2)[-1]
    return keyword, _inflated(text) if rest[:1] == b"\1" else text


def _inflated(data: bytes) -> bytes:
    with suppress(zlib.error):
        return zlib.decompressobj().decompress(data, _MAX_TEXT_BYTES)
    return b""


def _hexadecimal_profile(text: bytes) -> bytes:
    """Return the EXIF of a text as ImageMagick writes it: an empty line, a name, a length, and hexadecimal lines."""
    with suppress(ValueError):
        return bytes.fromhex(b"".join(text.split(b"\n")[3:]).decode("ascii"))
    return b""


# WebP. Image, alpha, colour profile, animation.
_NEEDED_FOURCC = frozenset((b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_FLAGS = 8  # position in the VP8X chunk
_HAS_EXIF, _HAS_XMP = 0x08, 0x04


def _clean_webp(data: bytes) -> bytes:
    chunks = _parts(_webp_chunks(data))
    extended = chunks[0] if chunks and chunks[0][:4] == b"VP8X" else b""
    flags = extended[_FLAGS] if len(extended) > _FLAGS else 0
    kept = read_kept_metadata(
        _first_webp_chunk(chunks, b"EXIF") if flags & _HAS_EXIF else b"",
        _first_webp_chunk(chunks, b"XMP ") if flags & _HAS_XMP else b"",
    )
    cleaned = [chunk for chunk in chunks if chunk[:4] in _NEEDED_FOURCC]
    if cleaned and _is_complete(cleaned[-1]):
        cleaned[-1] += bytes(len(cleaned[-1]) % 2)
    else:
        # Nobody can decode the file, and what were added would become part of the chunk that is cut off.
        kept = NOTHING_KEPT
    if flags:
        # Only extended files have metadata that anybody reads.
        cleaned[0] = extended[:_FLAGS] + bytes([_webp_flags(flags, kept)]) + extended[_FLAGS + 1 :]
        cleaned += [
            _webp_chunk(name, content) for name, content in ((b"EXIF", kept.exif), (b"XMP ", kept.xmp)) if content
        ]
    body = b"".join(cleaned)
    return data[:4] + (len(body) + 4).to_bytes(4, "little") + data[8:12] + body


def _webp_chunks(data: bytes) -> Iterator[bytes]:
    """Yield each chunk of the RIFF file, with its header and its padding; the last one may be cut off."""
    at, end = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at < end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        chunk = data[at : min(at + 8 + size + size % 2, end)]
        yield chunk
        at += len(chunk)


def _is_complete(chunk: bytes) -> bool:
    return len(chunk) >= 8 + int.from_bytes(chunk[4:8], "little")


def _first_webp_chunk(chunks: list[bytes], name: bytes) -> bytes:
    return next((chunk[8:] for chunk in chunks if chunk[:4] == name), b"")


def _webp_flags(flags: int, kept: KeptMetadata) -> int:
    return (
        flags & ~(_HAS_EXIF | _HAS_XMP)
        | (_HAS_EXIF if kept.orientation != UPRIGHT else 0)
        | (_HAS_XMP if kept.source is not None else 0)
    )


def _webp_chunk(name: bytes, payload: bytes) -> bytes:
    return name + len(payload).to_bytes(4, "little") + payload + bytes(len(payload) % 2)
