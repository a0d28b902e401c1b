"""Usage that templates and counted calls do not tell, with the source of each figure in ``usage.toml``."""

import tomllib
from pathlib import Path
from typing import Any

_PATH = Path(__file__).with_name("usage.toml")


def read_usage() -> dict[str, Any]:
    """Return the content of ``usage.toml``."""
    return tomllib.loads(_PATH.read_text("utf-8"))
