"""Deployment file: the context keys of one stage in ``deployments/<stage>.toml``, so that no deployment forgets one."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.bundling.functions import ROOT
from infra.config import Config, ConfigError

FOLDER = ROOT / "deployments"
# What a stage's file cannot say: its own name, and that it is for this machine.
_NOT_IN_FILE = ("stage", "local")


def with_deployment_file(context: Mapping[str, Any], folder: Path = FOLDER) -> dict[str, Any]:
    """Return a CDK context with the keys of its stage's file, which the command line's keys override.

    A local stack reads no file. Raises ``ConfigError`` for a file that is not TOML or has keys that it cannot have.
    """
    given = dict(context)
    if str(given.get("local", "false")).lower() == "true":
        return given
    path = folder / f"{given.get('stage', Config.model_fields['stage'].default)}.toml"
    try:
        settings = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return given
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path.name} in {folder.name}/ cannot be read: {error}") from None
    misplaced = [key for key in settings if key in _NOT_IN_FILE]
    if misplaced:
        raise ConfigError(f"{path.name} in {folder.name}/ cannot set {misplaced[0]}: the file's name is the stage")
    return settings | given
