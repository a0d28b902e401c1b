"""Paths in the documentation's code spans: files and folders of the repository exist."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, name_of, spans
from tests.paths import ROOT

# A path is told by its first folder. Folders that a build makes are left out.
TOP = {each.name for each in ROOT.iterdir() if each.is_dir()} - {
    "build",
    "out",
    "cdk.out",
    ".venv",
    ".git",
    ".darkroom",
}
# Names that are no paths.
OTHERS = frozenset({"darkroom/admin"})
_PATH = re.compile(r"[\w.\-{},<>*/]+")


def missing_paths(text: str) -> list[str]:
    """Paths in a page's code spans that do not exist; ``{a,b}`` stands for both, ``<name>`` for any."""
    found = []
    for span in spans(text):
        path = next((word for word in span.split() if word.partition("/")[0] in TOP and "/" in word), "")
        if path and path not in OTHERS and _PATH.fullmatch(path):
            found += [each for each in _alternatives(path) if not _exists(each)]
    return found


def _alternatives(path: str) -> list[str]:
    """
    >>> _alternatives("studio/{en,es}/a.json")
    ['studio/en/a.json', 'studio/es/a.json']
    """
    choice = re.search(r"{([^{}]*)}", path)
    if choice is None:
        return [path]
    return [each for word in choice[1].split(",") for each in _alternatives(path.replace(choice[0], word, 1))]


def _exists(path: str) -> bool:
    pattern = re.sub(r"<[^<>]*>", "*", path).rstrip("/")
    return next(iter(ROOT.glob(pattern)), None) is not None


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_paths_exist(page: Path) -> None:
    assert missing_paths(page.read_text("utf-8")) == []


def test_missing_paths_are_found() -> None:
    text = "`infra/config.py`, `infra/confg.py`, `handlers/<name>.py`, `studio/src/messages/{en,xx}/kinds.json`"
    assert missing_paths(text) == ["infra/confg.py", "studio/src/messages/xx/kinds.json"]
    assert missing_paths("`POST /jobs`, `darkroom/admin`, `out/demo/`, `pipeline/gone/`") == ["pipeline/gone/"]
