"""Pages of the documentation, with their code blocks, code spans and tables."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.paths import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
SHELLS = frozenset({"sh", "console", "bash"})
_FENCE = re.compile(r"^( *)```(?P<language>[\w-]*)\n(?P<code>.*?)^\1```$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"(`+)(?!`)(?P<code>.+?)(?<!`)\1(?!`)", re.DOTALL)


class Block(NamedTuple):
    """A fenced code block."""

    language: str
    code: str


def name_of(page: Path) -> str:
    """The page's path in the repository, which names its test."""
    return page.relative_to(ROOT).as_posix()


def blocks(text: str) -> list[Block]:
    """The fenced code blocks of a page, in order."""
    return [Block(found["language"], found["code"]) for found in _FENCE.finditer(text)]


def spans(text: str) -> list[str]:
    """The code spans of a page, in order, each in one line."""
    paragraphs = re.split(r"\n\s*\n", _FENCE.sub("\n\n", text))
    return [" ".join(found["code"].split()) for each in paragraphs for found in _SPAN.finditer(each)]


def shell_lines(text: str) -> Iterator[str]:
    """The lines of a page's shell blocks, continued lines joined. Of a console's block, the commands only."""
    for language, code in blocks(text):
        if language not in SHELLS:
            continue
        for line in re.sub(r"\\\n\s*", "", code).splitlines():
            if language != "console":
                yield line
            elif line.startswith("$ "):
                yield line[2:]


def rows(text: str, header: str) -> list[list[str]]:
    """The rows of the first table whose header begins with ``header``, as cells."""
    _, _, after = text.partition(f"\n{header}")
    lines = after.splitlines()[2:]
    table = lines[: next((index for index, line in enumerate(lines) if not line.startswith("|")), len(lines))]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]
