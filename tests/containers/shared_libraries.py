"""Shared libraries of installed distributions: what each needs and opens, read from its ELF sections."""

import re
import struct
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import IO

SHARED_LIBRARY = re.compile(r"\.so(\.|$)")
SONAME = re.compile(rb"lib[\w+-]+\.so(?:\.\d+)*")
NEEDED = 1  # tag of an entry of the dynamic section
DYNAMIC = 6  # type of the dynamic section
LONGEST_NAME = 100


@dataclass(frozen=True)
class SharedLibrary:
    """A shared library: ``needed`` are loaded with it; ``opened`` are names in its data, which it may open later."""

    distribution: str
    path: Path
    needed: frozenset[str]
    opened: frozenset[str]


def shared_libraries(names: Iterable[str], opening: Container[str]) -> Iterator[SharedLibrary]:
    """Read the libraries of distributions; what they open only of those in ``opening``, as that takes long.

    Raises ``PackageNotFoundError`` for a distribution that is not installed.
    """
    for name in names:
        for file in distribution(name).files or ():
            path = Path(str(file.locate()))
            if SHARED_LIBRARY.search(path.name) and path.is_file():
                with path.open("rb") as content:
                    if content.read(5) == b"\x7fELF\x02":
                        yield SharedLibrary(name, path, *_names(content, name in opening))


def _names(file: IO[bytes], opening: bool) -> tuple[frozenset[str], frozenset[str]]:
    """Return the needed and the mentioned names of a 64-bit little-endian file."""
    file.seek(0)
    header = file.read(64)
    (offset,) = struct.unpack_from("<Q", header, 40)
    size, count, names_index = struct.unpack_from("<HHH", header, 58)
    file.seek(offset)
    table = file.read(size * count)
    sections = [struct.unpack_from("<IIQQQQIIQQ", table, size * index) for index in range(count)]

    def content(index: int) -> bytes:
        file.seek(sections[index][4])
        return file.read(sections[index][5])

    labels = content(names_index) if count else b""
    needed: set[str] = set()
    opened: set[str] = set()
    for index, (label, kind, _flags, _address, _offset, _length, link, *_) in enumerate(sections):
        if kind == DYNAMIC:
            strings = content(link)
            entries = content(index)
            for tag, value in struct.iter_unpack("<qQ", entries[: len(entries) // 16 * 16]):
                if tag == NEEDED:
                    needed.add(strings[value : strings.index(b"\0", value)].decode())
        elif opening and labels[label:].startswith(b".rodata"):
            opened |= _library_names(content(index))
    return frozenset(needed), frozenset(opened)


def _library_names(data: bytes) -> set[str]:
    """Return the strings that are names of shared libraries."""
    found = set()
    at = data.find(b".so")
    while at >= 0:
        start = data.rfind(b"\0", max(at - LONGEST_NAME, 0), at) + 1
        name = data[start : data.find(b"\0", at)]
        if SONAME.fullmatch(name):
            found.add(name.decode())
        at = data.find(b".so", at + 1)
    return found
