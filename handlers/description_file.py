"""Description file: a committed JSON document that describes the API, and the command that renews it."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def as_text(document: Mapping[str, Any]) -> str:
    """Return a document as it is committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def print_or_write(file: Path, text: Callable[[], str], about: str | None) -> None:
    """Print the text, or save it with ``--write``. ``about`` is the command's help."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--write", action="store_true", help=f"write {file.name} instead of printing")
    if parser.parse_args().write:
        file.write_text(text(), "utf-8")
    else:
        sys.stdout.write(text())
