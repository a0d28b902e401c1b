"""PNG decoder: decodes a file of which every row is there, whatever else is in it or missing.

W3C PNG, third edition: 5.3 (chunks), 7.2 (rows), 8.1 (interlacing), 11.3.2 (colour spaces; a cICP chunk counts before
a profile, then sRGB, then cHRM and gAMA).
"""

import io
import zlib
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from PIL import Image

from darkroom.contract.picture_size import check_picture_size
from pipeline.decoding.colour_spaces import coded_profile, gamma_profile
from pipeline.decoding.deep_samples import encode_deep
from pipeline.decoding.missing_pixels import missing_pixels_error

_SIGNATURE_BYTES = 8
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # per pixel, by colour type
# First column and row, and steps, of each pass of an interlaced picture.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_TEXTS = frozenset((b"tEXt", b"zTXt", b"iTXt"))
_NEEDED_TEXTS = (b"XML:com.adobe.xmp\0", b"Raw profile type exif\0")  # they may turn the picture
_MAX_TEXT_BYTES = 2**18  # Pillow refuses texts that inflate to more than four times as much
_MAX_PROFILE_BYTES = 2**24
_BLOCK_BYTES = 2**20
_UNSPECIFIED = b"\2\2"  # code points of primaries and transfer


def decode_png(data: bytes) -> Image.Image:
    """Decode a PNG, of an animation its still picture. ``icc_profile`` of its ``info`` tells its colours, if anything.

    Chunks that no decoder needs may be damaged, too long or missing, the end marker too. Raises ``DarkroomError``:
    ``invalid_image`` for missing rows, ``too_large``; and ``ValueError`` or Pillow's errors for a damaged file.
    """
    chunks, needed, coded = _sorted_chunks(data)
    header = chunks.get(b"IHDR", b"")
    if len(header) != 13:
        raise ValueError("no header")
    check_picture_size(int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big"))
    _check_rows(header, coded)
    body = b"".join(_chunk(*chunk) for chunk in (*needed, (b"IDAT", b"".join(coded)), (b"IEND", b"")))
    plain, profile = data[:_SIGNATURE_BYTES] + body, _profile(chunks)
    image = Image.open(io.BytesIO(plain), formats=("PNG",))
    deep = _deep(plain, profile) if profile is not None and header[8] == 16 else None
    if deep is not None:
        deep.info = {**image.info, "icc_profile": deep.info["icc_profile"]}
        deep.info.pop("transparency", None)
        return deep
    image.load()
    image.info["icc_profile"] = profile
    return image


def _sorted_chunks(data: bytes) -> tuple[dict[bytes, bytes], list[tuple[bytes, bytes]], list[bytes]]:
    """Return each chunk's content by its name, the chunks that a decoder needs, and the coded data.

    Raises ``ValueError`` if a chunk that is needed is damaged.
    """
    chunks: dict[bytes, bytes] = {}
    needed, coded = [], []
    for name, payload, intact in _chunks(data):
        if name == b"IEND":
            break
        critical = not name[0] & 0x20
        if not intact:
            if critical:
                raise ValueError(f"damaged chunk {name!r}")
            continue
        if name == b"IDAT":
            coded.append(payload)
        elif name not in chunks:
            if critical or name in (b"tRNS", b"eXIf"):
                needed.append((name, payload))
            chunks[name] = payload
        if name in _TEXTS and payload.startswith(_NEEDED_TEXTS) and _is_short(payload):
            needed.append((name, payload))
    return chunks, needed, coded


def _deep(plain: bytes, profile: bytes) -> Image.Image | None:
    """Decode a PNG of 16 bits with all of them, and encode them in 8; None if its profile does not allow that."""
    # Imported here, as few pictures have 16 bits; Pillow decodes 8 of them.
    import cv2  # noqa: PLC0415

    samples = cv2.imdecode(np.frombuffer(plain, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None or samples.dtype != np.uint16:
        return None
    if samples.ndim == 2:
        samples = np.repeat(samples[..., None], 3, 2)
    found = encode_deep(samples[..., 2::-1].astype(np.uint16, copy=False), profile)
    if found is None:
        return None
    encoded, left = found
    image = Image.fromarray(encoded)
    if samples.shape[2] == 4:
        image.putalpha(Image.fromarray((samples[..., 3] // 257).astype(np.uint8)))
    image.info["icc_profile"] = left
    return image


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Yield name, content and soundness of each chunk; what there is of a last one that was cut off counts as sound."""
    at = _SIGNATURE_BYTES
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        end = at + 8 + length
        name, payload, checksum = data[at + 4 : at + 8], data[at + 8 : end], data[end : end + 4]
        cut_off = name == b"IDAT" and len(checksum) < 4
        yield name, payload, cut_off or zlib.crc32(name + payload).to_bytes(4, "big") == checksum
        at += 12 + length


def _chunk(name: bytes, payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + name + payload + zlib.crc32(name + payload).to_bytes(4, "big")


def _is_short(text: bytes) -> bool:
    """Return True if a text's content is short, and short when it is inflated."""
    if len(text) > _MAX_TEXT_BYTES:
        return False
    at = text.find(b"\x78")
    while 0 <= at < 64:
        inflater = zlib.decompressobj()
        with suppress(zlib.error):
            inflater.decompress(text[at:], _MAX_TEXT_BYTES)
            if inflater.unconsumed_tail:
                return False
        at = text.find(b"\x78", at + 1)
    return True


def _check_rows(header: bytes, coded: list[bytes]) -> None:
    """Check that the coded data have every row. Raises ``DarkroomError`` (``invalid_image``)."""
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    bits = header[8] * _SAMPLES.get(header[9], 1)
    interlaced = bool(header[12])
    expected = 0
    for left, top, step_x, step_y in _PASSES if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // step_x), -(-(height - top) // step_y)
        if columns > 0 and rows > 0:
            expected += rows * (1 + -(-columns * bits // 8))
    found = _inflated_bytes(coded, expected)
    if found < expected:
        raise missing_pixels_error() if interlaced else missing_pixels_error(found // (expected // height), height)


def _inflated_bytes(coded: list[bytes], limit: int) -> int:
    """Count what the coded data inflate to, up to ``limit`` or the first damage."""
    inflater, count = zlib.decompressobj(), 0
    for piece in coded:
        rest = piece
        while count < limit and not inflater.eof:
            try:
                block = inflater.decompress(rest, _BLOCK_BYTES)
            except zlib.error:
                return count
            count, rest = count + len(block), inflater.unconsumed_tail
            if not rest and len(block) < _BLOCK_BYTES:
                break
    return count


def _profile(chunks: dict[bytes, bytes]) -> bytes | None:
    """Return the ICC profile that a file has or describes; None for sRGB, and for a file that says nothing."""
    codes = chunks.get(b"cICP", b"")
    if len(codes) == 4 and codes[:2] != _UNSPECIFIED:
        return coded_profile(codes[0], codes[1])
    if (profile := _embedded(chunks.get(b"iCCP", b""))) is not None:
        return profile
    if b"sRGB" in chunks:
        return None
    gamma, primaries = chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")
    numbers = [int.from_bytes(primaries[at : at + 4], "big") / 100_000 for at in range(0, 32, 4)]
    return gamma_profile(
        int.from_bytes(gamma, "big") / 100_000 if len(gamma) == 4 else None, numbers if len(primaries) == 32 else None
    )


def _embedded(chunk: bytes) -> bytes | None:
    name, _, rest = chunk.partition(b"\0")
    if not name or not rest:
        return None
    with suppress(zlib.error):
        return zlib.decompressobj().decompress(rest[1:], _MAX_PROFILE_BYTES) or None
    return None
