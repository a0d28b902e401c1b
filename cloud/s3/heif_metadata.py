"""Metadata removal from HEIF files: overwrites with zeros what the picture is not made of, so that nothing moves.

Boxes name positions in the file. So it keeps its length, except for what follows its last box that has pixels.
"""

from collections.abc import Iterable

from cloud.s3.kept_metadata import read_kept_metadata
from darkroom.contract.heif_file import Box, BrokenHeif, HeifFile

_KEPT_BOXES = frozenset((b"ftyp", b"meta", b"mdat"))
_KEPT_META = frozenset((b"hdlr", b"dinf", b"pitm", b"iloc", b"iinf", b"iref", b"iprp", b"idat", b"grpl"))
# Of pictures: size, samples, colours, codec, orientation, crop, alpha, light levels. Others have titles or words.
_KEPT_PROPERTIES = frozenset(
    b"ispe pixi colr hvcC irot imir clap pasp auxC clli mdcv cclv amve ndwt lsel rloc av1C lhvC oinf tols".split()
)
_FILM_BRANDS = frozenset((b"msf1", b"hevc", b"hevx", b"hevm", b"hevs"))
_HANDLER_NAME = 24  # where it begins in the box's content
_FREE = b"free"


def clean_heif(data: bytes) -> bytes:
    """Return a HEIF file without its metadata: EXIF, XMP, previews, depth maps, names, films and what is appended.

    Its pixels, colours, orientation and AI mark stay. A file that cannot be read stays as it is: no decoder reads it.
    """
    try:
        file = HeifFile(data)
        return _cleaned(file)
    except BrokenHeif:
        return data


def _cleaned(file: HeifFile) -> bytes:
    target = bytearray(file.data)
    for box in file.top:
        if box.name == b"ftyp":
            _clean_brands(file, target, box)
        elif box.name == b"mdat":
            target[box.body : box.end] = bytes(box.end - box.body)
        elif box.name not in _KEPT_BOXES:
            _free(target, box)
    _clean_meta(file, target)
    ends = [box.end for box in file.top if box.name in _KEPT_BOXES]
    for item in file.needed.values():
        for start, end in item.extents:
            target[start:end] = file.data[start:end]
            ends.append(end)
    for start, content in _marks(file):
        target[start : start + len(content)] = content
    return bytes(target[: max(ends)])


def _clean_brands(file: HeifFile, target: bytearray, box: Box) -> None:
    """Take the brands of films out, which say that there is one beside the picture."""
    for at in range(box.body, box.end - 3, 4):
        if file.data[at : at + 4] in _FILM_BRANDS:
            target[at : at + 4] = b"heic" if at == box.body else b"mif1"


def _clean_meta(file: HeifFile, target: bytearray) -> None:
    for box in file.meta.values():
        if box.name not in _KEPT_META:
            _free(target, box)
    if b"idat" in file.meta:
        box = file.meta[b"idat"]
        target[box.body : box.end] = bytes(box.end - box.body)
    if b"hdlr" in file.meta:
        box = file.meta[b"hdlr"]
        start = min(box.body + _HANDLER_NAME, box.end)
        target[start : box.end] = bytes(box.end - start)
    for child in file.boxes(file.meta[b"iprp"].body, file.meta[b"iprp"].end):
        if child.name == b"ipco":
            for box in file.boxes(child.body, child.end):
                if box.name not in _KEPT_PROPERTIES:
                    _free(target, box)
    _clean_names(file, target)


def _clean_names(file: HeifFile, target: bytearray) -> None:
    infos = file.meta[b"iinf"]
    for info in file.boxes(infos.body + (8 if file.data[infos.body] else 6), infos.end):
        # After number, protection and type: the item's name; a media type is needed for XMP alone.
        start = info.body + 4 + (2 if file.data[info.body] == 2 else 4) + 2 + 4
        if info.name == b"infe" and file.data[start - 4 : start] != b"mime":
            target[start : info.end] = bytes(max(info.end - start, 0))


def _free(target: bytearray, box: Box) -> None:
    """Turn a box into free space."""
    target[box.start + 4 : box.start + 8] = _FREE
    target[box.body : box.end] = bytes(box.end - box.body)


def _marks(file: HeifFile) -> Iterable[tuple[int, bytes]]:
    """Yield positions and contents of XMP packets that have the AI mark, as long as the former ones."""
    for item in file.items.values():
        if item.name == b"mime" and len(item.extents) == 1 and item.is_locatable:
            start, end = item.extents[0]
            packet = read_kept_metadata(b"", file.data[start:end]).xmp
            if packet and len(packet) <= end - start:
                yield start, packet.ljust(end - start)
