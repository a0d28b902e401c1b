"""Settings in the documentation: context keys are the CDK app's, and environment variables are read somewhere."""

import re
from pathlib import Path

import pytest

from darkroom.cli.settings import Settings
from infra.config import Config
from infra.local.options import STAND_IN_KEYS
from tests.docs.pages import PAGES, name_of
from tests.paths import ROOT

ROOMS = ("darkroom", "pipeline", "cloud", "handlers", "containers", "infra", "bench", "studio/scripts")
KEYS = {*Config.model_fields, *STAND_IN_KEYS, "key"}  # the last stands for any


def unknown_keys(text: str) -> list[str]:
    """Context keys that are given with ``-c`` and that the CDK app does not have."""
    return [key for key in re.findall(r"-c\s+'?(\w+)=", text) if key not in KEYS]


def unknown_variables(text: str) -> list[str]:
    """Variables of Darkroom's own that nothing reads."""
    return [name for name in re.findall(r"\bDARKROOM_[A-Z_]+\b", text) if name not in variables()]


def variables() -> set[str]:
    """Environment variables that the code names, and those of the command's settings."""
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    named = {name for path in files for name in re.findall(r"[\"'](DARKROOM_[A-Z_]+)[\"']", path.read_text("utf-8"))}
    return named | {f"DARKROOM_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_context_keys_exist(page: Path) -> None:
    assert unknown_keys(page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_environment_variables_are_read(page: Path) -> None:
    assert unknown_variables(page.read_text("utf-8")) == []


def test_unknown_settings_are_found() -> None:
    assert unknown_keys("`-c stage=x -c max_instance=4` and `-c 'models={}'`") == ["max_instance"]
    assert unknown_variables("`DARKROOM_TOKEN`, DARKROOM_TOKENS") == ["DARKROOM_TOKENS"]
