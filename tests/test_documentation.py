"""The relative links of the documentation point to existing files and headings."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
FENCE = re.compile(r"^ *(```|~~~).*?^ *\1 *$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^()\s]+)(?: \"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
EXTERNAL = re.compile(r"[a-z][a-z0-9+.-]*:")


def links(page: str) -> Iterator[str]:
    """The targets of a page's relative links, in order, those in code left out."""
    for found in LINK.finditer(CODE.sub("code", FENCE.sub("", page))):
        if not EXTERNAL.match(found["target"]):
            yield found["target"]


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", page)):
        text = LINK.sub(lambda link: link["text"], heading)
        base = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        repeated = sum(each == base or re.fullmatch(rf"{re.escape(base)}-\d+", each) is not None for each in found)
        found.add(f"{base}-{repeated}" if repeated else base)
    return found


def broken_links(path: Path) -> list[str]:
    """The relative links of a page that point to no file, or to no heading of one."""
    return [target for target in links(_text(path)) if not _exists(path, *target.partition("#")[::2])]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_point_to_existing_files_and_headings(page: Path) -> None:
    assert broken_links(page) == []


def test_links_to_missing_files_and_headings_are_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# Here\n")
    page = tmp_path / "page.md"
    page.write_text("[a](other.md) [b](other.md#here) [c](other.md#there) [d](gone.md) [e](#below)\n\n## Below\n")
    assert broken_links(page) == ["other.md#there", "gone.md"]


def test_links_in_code_and_links_to_other_sites_are_left_out() -> None:
    page = "[one](a.md#b), `[two](c.md)`, [three](https://example.com), ![four](d.jpg)\n```\n[five](e.md)\n```\n"
    assert list(links(page)) == ["a.md#b", "d.jpg"]


def test_anchors_have_no_punctuation_and_repeated_headings_have_numbers() -> None:
    page = "# A `job`'s way\n## Weights & models\n## Weights & models\n"
    assert anchors(page) == {"a-jobs-way", "weights--models", "weights--models-1"}


def _exists(page: Path, file: str, anchor: str) -> bool:
    target = page.parent / file if file else page
    if not target.exists():
        return False
    return not anchor or (target.suffix == ".md" and anchor in anchors(_text(target)))


@cache
def _text(path: Path) -> str:
    return path.read_text("utf-8")
