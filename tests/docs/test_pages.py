"""Form of the pages: README's length, whom each page is for, and examples that are the tested files."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, blocks, name_of
from tests.paths import ROOT

DOCS = ROOT / "docs"
GENERATED = ("kinds.md", "plans.md", "models.md", "errors.md", "asyncapi.md")
WRITTEN = [page for page in PAGES if page.parent == DOCS and page.name not in (*GENERATED, "architecture.md")]
EXAMPLES = sorted(path for path in (DOCS / "examples").iterdir() if path.suffix != ".pyc" and path.is_file())


def test_the_readme_is_short_and_wrapped() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert text.count("\n") <= 200
    assert [line for line in text.splitlines() if len(line) > 120 and not line.startswith("|")] == []


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_a_page_begins_with_whom_it_is_for(page: Path) -> None:
    title, _, begin, *_ = page.read_text("utf-8").splitlines()
    assert title.startswith("# ")
    assert re.match(r"For \w+", begin), begin


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_an_example_is_on_its_page_verbatim(example: Path) -> None:
    page = (DOCS / "first-picture.md").read_text("utf-8")
    _, marker, after = page.partition(f"<!-- docs/examples/{example.name} -->\n")
    assert marker, f"docs/first-picture.md does not show {example.name}"
    assert blocks(after)[0].code == example.read_text("utf-8")


def test_the_readme_links_every_page() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert [page.name for page in WRITTEN if f"(docs/{page.name}" not in text] == []
