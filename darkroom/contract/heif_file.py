"""HEIF files: their boxes, items and properties, read without decoding. ISO/IEC 14496-12, 23008-12.

A file has one primary item. It is a coded picture, or is derived from others: phones write a grid of tiles.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

# A phone's file has some 60 items and 300 boxes.
MAX_BOXES = 10_000
CODED, DERIVED = frozenset((b"hvc1", b"hev1")), frozenset((b"grid", b"iden", b"iovl"))
# Types of the auxiliary picture that is an alpha channel.
_ALPHA = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0", b"urn:mpeg:hevc:2015:auxid:1\0")
_IN_FILE, _IN_META = 0, 1  # construction methods
_DERIVED_FROM, _AUXILIARY_FOR = b"dimg", b"auxl"


class BrokenHeif(ValueError):
    """Raised for a file whose boxes make no sense."""


class IncompleteHeif(BrokenHeif):
    """Raised when the boxes that describe the picture extend beyond the given bytes."""


@dataclass(frozen=True)
class Box:
    """A box of a file: where it starts, where its content starts, and where it ends, or the file before it."""

    name: bytes
    start: int
    body: int
    end: int
    is_cut_off: bool = False


@dataclass
class Item:
    """An item: its type, the ranges of the file that have its content, its properties and references."""

    name: bytes
    extents: list[tuple[int, int]] = field(default_factory=list)
    properties: list[Box] = field(default_factory=list)
    references: dict[bytes, list[int]] = field(default_factory=dict)
    is_locatable: bool = True


class HeifFile:
    """A HEIF file, parsed. Raises ``BrokenHeif`` or ``IncompleteHeif``."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._boxes_left = MAX_BOXES
        self.top = list(self.boxes(0, len(data)))
        meta = next((box for box in self.top if box.name == b"meta"), None)
        if meta is None or meta.is_cut_off:
            raise IncompleteHeif("no description of the picture")
        self.meta = {box.name: box for box in self.boxes(meta.body + 4, meta.end)}
        self.items: dict[int, Item] = {}
        self._read_infos()
        self._read_locations()
        self._read_properties()
        self._read_references()
        primary = self._box(b"pitm")
        version = data[primary.body]
        self.primary = self._number(primary.body + 4, 4 if version else 2)
        if self.primary not in self.items:
            raise BrokenHeif("no primary item")

    def boxes(self, start: int, end: int) -> Iterator[Box]:
        """Yield the boxes between two positions. The last one of a file may be cut off."""
        at = start
        while at + 8 <= end:
            self._boxes_left -= 1
            if self._boxes_left < 0:
                raise BrokenHeif(f"more than {MAX_BOXES:,} boxes")
            size, name, body = self._number(at, 4), self.data[at + 4 : at + 8], at + 8
            if size == 1:
                size, body = self._number(at + 8, 8), at + 16
            elif size == 0:
                size = end - at
            if size < body - at:
                raise BrokenHeif("a box of no size")
            is_cut_off = at + size > end
            if is_cut_off and end < len(self.data):
                raise BrokenHeif("a box beyond its parent")
            yield Box(name, at, body, min(at + size, end), is_cut_off)
            at += size

    @cached_property
    def needed(self) -> dict[int, Item]:
        """The items that the picture is made of: the primary one, what it is derived from, and their alpha channels."""
        found: dict[int, Item] = {}
        alphas: dict[int, list[int]] = {}
        for number, item in self.items.items():
            for picture in item.references.get(_AUXILIARY_FOR, ()) if self._is_alpha(item) else ():
                alphas.setdefault(picture, []).append(number)
        left = [self.primary]
        while left:
            number = left.pop()
            if number in self.items and number not in found:
                found[number] = self.items[number]
                left += (*self.items[number].references.get(_DERIVED_FROM, ()), *alphas.get(number, ()))
        return found

    @property
    def foreign_codec(self) -> str | None:
        """The type of an item of the picture that is coded otherwise than in HEVC; None if all are."""
        foreign = (item.name for item in self.needed.values() if item.name not in CODED | DERIVED)
        return next((name.decode("ascii", "replace") for name in foreign), None)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture in pixels, as the file states them."""
        width = height = 0
        for box in self.items[self.primary].properties:
            if box.name == b"ispe":
                width, height = self._number(box.body + 4, 4), self._number(box.body + 8, 4)
            elif box.name == b"clap":
                width, height = self._ratio(box.body), self._ratio(box.body + 8)
            elif box.name == b"irot" and self._number(box.body, 1) & 1:
                width, height = height, width
        return width, height

    @property
    def has_all_content(self) -> bool:
        """Whether the file has the content of every item that the picture is made of."""
        return all(
            item.is_locatable and item.extents and all(start < end <= len(self.data) for start, end in item.extents)
            for item in self.needed.values()
        )

    def content(self, item: Item) -> bytes:
        """Return an item's content, as far as the file has it."""
        return b"".join(self.data[start:end] for start, end in item.extents)

    def _is_alpha(self, item: Item) -> bool:
        return any(
            box.name == b"auxC" and self.data[box.body + 4 : box.end].startswith(_ALPHA) for box in item.properties
        )

    def _box(self, name: bytes) -> Box:
        if name not in self.meta:
            raise BrokenHeif(f"no {name!r}")
        return self.meta[name]

    def _number(self, at: int, length: int) -> int:
        if at + length > len(self.data):
            raise IncompleteHeif("cut off")
        return int.from_bytes(self.data[at : at + length], "big")

    def _ratio(self, at: int) -> int:
        return self._number(at, 4) // max(self._number(at + 4, 4), 1)

    def _read_infos(self) -> None:
        box = self._box(b"iinf")
        for info in self.boxes(box.body + (8 if self._number(box.body, 1) else 6), box.end):
            version = self._number(info.body, 1)
            if info.name == b"infe" and version >= 2:
                width = 2 if version == 2 else 4
                at = info.body + 4 + width + 2
                self.items[self._number(info.body + 4, width)] = Item(self.data[at : at + 4])

    def _read_locations(self) -> None:
        box = self._box(b"iloc")
        version, at = self._number(box.body, 1), box.body + 6
        offset_bytes, length_bytes = divmod(self._number(box.body + 4, 1), 16)
        base_bytes, index_bytes = divmod(self._number(box.body + 5, 1), 16)
        wide = 4 if version == 2 else 2
        meta_content = self.meta[b"idat"].body if b"idat" in self.meta else 0

        def take(length: int) -> int:
            nonlocal at
            value, at = self._number(at, length), at + length
            return value

        for _entry in range(min(take(wide), MAX_BOXES)):
            number, method = take(wide), take(2) & 0x0F if version else _IN_FILE
            elsewhere, base = take(2), take(base_bytes)
            item = self.items.get(number) or Item(b"")
            item.is_locatable = method in (_IN_FILE, _IN_META) and not elsewhere
            start = base + (meta_content if method == _IN_META else 0)
            for _extent in range(take(2)):
                take(index_bytes if version else 0)
                first, length = start + take(offset_bytes), take(length_bytes)
                item.extents.append((first, first + length if length else len(self.data)))
                self._boxes_left -= 1
                if self._boxes_left < 0:
                    raise BrokenHeif("too many extents")

    def _read_properties(self) -> None:
        properties = self._box(b"iprp")
        children = list(self.boxes(properties.body, properties.end))
        known = [box for child in children if child.name == b"ipco" for box in self.boxes(child.body, child.end)]
        for child in children:
            if child.name == b"ipma":
                self._read_associations(child, known)

    def _read_associations(self, box: Box, known: list[Box]) -> None:
        version, wide = self._number(box.body, 1), self._number(box.body + 3, 1) & 1
        at = box.body + 8
        for _entry in range(min(self._number(box.body + 4, 4), MAX_BOXES)):
            item = self.items.get(self._number(at, 4 if version else 2))
            at += 4 if version else 2
            count, at = self._number(at, 1), at + 1
            for _property in range(count):
                index = self._number(at, 1 + wide) & (0x7FFF if wide else 0x7F)
                at += 1 + wide
                if item is not None and 0 < index <= len(known):
                    item.properties.append(known[index - 1])

    def _read_references(self) -> None:
        if b"iref" not in self.meta:
            return
        box = self.meta[b"iref"]
        width = 4 if self._number(box.body, 1) else 2
        for reference in self.boxes(box.body + 4, box.end):
            item = self.items.get(self._number(reference.body, width))
            count, at = self._number(reference.body + width, 2), reference.body + width + 2
            targets = [self._number(at + width * number, width) for number in range(count)]
            if item is not None:
                item.references.setdefault(reference.name, []).extend(targets)
