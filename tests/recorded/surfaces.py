"""Public surfaces besides the API: commands and their flags, environment variables, context keys, OpenAPI."""

import re
from collections.abc import Iterator
from enum import Enum
from inspect import isclass
from pathlib import Path
from typing import Any, get_args, get_origin

import typer
from pydantic import AliasChoices
from pydantic_settings import BaseSettings
from typer.main import get_command

from tests.recorded import today
from tests.recorded.files import Files

ROOT = Path(__file__).parents[2]
_READ = re.compile(r"""os\.(?:environ(?:\.get\(|\.setdefault\(|\[)|getenv\()["']([A-Z][A-Z0-9_]+)["']""")
# Of a command's parameter, what a caller may rely on.
PARAMETER = ("opts", "secondary_opts", "required", "multiple", "nargs", "is_flag", "hidden", "envvar", "help")


def record() -> Files:
    """All of them, by the name of their file."""
    return {
        "commands/callers": command(today.caller_command),
        "commands/operators": command(today.operator_command),
        "settings/environment": {**dict(environments()), "read directly": read_directly()},
        "settings/context": {
            "keys": today.Config.model_json_schema(),
            "stand-in's own, on the local stack": sorted(today.STAND_IN_KEYS),
        },
        "settings/local": {
            "functions": sorted(today.FUNCTIONS),
            "emulator's client": sorted(set(today.emulator_environment(4566)) - _own_environment()),
        },
        "api/openapi": today.openapi.openapi(),
    }


def command(app: typer.Typer) -> dict[str, Any]:
    """The tree of commands of an application: each with its parameters and its commands."""
    return _tree(get_command(app), None)


def _tree(found: Any, parent: Any) -> dict[str, Any]:
    context = found.context_class(found, parent=parent, info_name=found.name)
    content: dict[str, Any] = {"parameters": {_typed(each): _parameter(each) for each in found.params}}
    if hasattr(found, "list_commands"):
        # Commands are imported when they are called: by their name on a command line.
        content["commands"] = {
            name: _tree(found.resolve_command(context, [name])[1], context) for name in found.list_commands(context)
        }
    return content


def _typed(parameter: Any) -> str:
    """A parameter as a user knows it: by its first flag, an argument by its name in the usage line."""
    return str(parameter.opts[0] if parameter.param_type_name == "option" else parameter.name)


def _parameter(parameter: Any) -> dict[str, Any]:
    values = {name: getattr(parameter, name, None) for name in PARAMETER}
    content = {"kind": parameter.param_type_name, "default": _plain(parameter.default)}
    content |= _type(parameter.type_descriptor.annotation)
    return content | {
        name: value for name, value in values.items() if value not in (None, [], False, 1) or value is True
    }


def _type(annotation: Any) -> dict[str, Any]:
    """The name of a type, and what may be chosen of one that is a list of words."""
    if isclass(annotation) and issubclass(annotation, Enum):
        return {"type": "choice", "choices": [_plain(member) for member in annotation]}
    members = [
        _type(member) for member in get_args(annotation) if member is not type(None) and not isinstance(member, str)
    ]
    words = [member for member in get_args(annotation) if isinstance(member, str)]
    if words:
        return {"type": "choice", "choices": words}
    if members:
        name = "list of " if get_origin(annotation) in (list, tuple) else ""
        return members[0] | {"type": name + members[0]["type"]}
    return {"type": getattr(annotation, "__name__", "computed")}


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return _plain(value.value)
        case None | str() | bool() | int() | float():
            return value
        case list() | tuple():
            return [_plain(member) for member in value]
        case _:
            return "computed"


def environments() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each process's environment variables, by the name of the process: with type, default and bounds."""
    for name, settings in today.FUNCTION_SETTINGS.items():
        yield f"function {name}", variables(settings)
    for name, process in (
        ("container", today.ContainerSettings),
        ("endpoint's stand-in", today.StandInSettings),
        ("studio's server", today.StudioServerSettings),
        ("caller's command", today.CallerSettings),
    ):
        yield name, variables(process)


def variables(settings: type[BaseSettings]) -> dict[str, Any]:
    """The variables of a settings class, and the schema of each."""
    schemas = settings.model_json_schema(by_alias=False)["properties"]
    prefix = settings.model_config.get("env_prefix", "")
    found = {}
    for name, field in settings.model_fields.items():
        alias = field.validation_alias
        words = [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else [prefix + name]
        schema = {key: value for key, value in schemas[name].items() if key != "title"}
        for word in words:
            found[word.upper()] = {"required": field.is_required(), **schema}
    return found


def read_directly() -> list[str]:
    """Variables that a module reads by itself, found in the source."""
    paths = [path for package in today.PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return sorted({name for path in paths for name in _READ.findall(path.read_text("utf-8"))})


def _own_environment() -> set[str]:
    """Variables of the caller's environment that every process gets; they depend on the machine."""
    return {"PATH", "HOME", "LANG", "LC_ALL", "SYSTEMROOT", "USERPROFILE", "LD_LIBRARY_PATH"}
