"""The command line of a kind, generated from the contract: its pictures by position or name, each param a flag."""

import inspect
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from pipeline.requests import AssetReference, Kind, params_model, roles, uploads_model

Schema = dict[str, Any]

ASSET = "asset:"
AGREED = "Must be given"

_SCALARS: dict[str, type] = {"integer": int, "number": float, "boolean": bool, "string": str}


@dataclass(frozen=True)
class Picture:
    """A role of the kind: the path of a file, or ``asset:`` and an asset's id.

    It has its place on the line; every one after the first may be given as ``--mask mask.png``, too.
    """

    role: str
    about: str
    required: bool
    first: bool

    @property
    def option(self) -> str:
        """As it is typed where its place is not used."""
        return "--" + self.role.replace("_", "-")

    @property
    def parameters(self) -> list[inspect.Parameter]:
        """For the signature that typer reads: the place, and the option where there is one."""
        place = typer.Argument(metavar=self.role.upper(), help=self.about, show_default=False)
        found = [_parameter(self.role, Annotated[str | None, place], None, required=False)]
        if not self.first:
            option = typer.Option(
                self.option, metavar=self.role.upper(), help=f"The same as {self.role.upper()}.", show_default=False
            )
            found.append(_parameter(f"{self.role}_", Annotated[str | None, option], None, required=False))
        return found

    def chosen(self, given: Mapping[str, Any]) -> Path | AssetReference | None:
        """What the line says of this role; None for an optional one of which it says nothing.

        Raises ``typer.BadParameter`` for a file that is not there, no id of an asset, and too much or too little said.
        """
        place, option = given.get(self.role), given.get(f"{self.role}_")
        where = f"'{self.option}'" if place is None and option is not None else f"'{self.role.upper()}'"
        if place is not None and option is not None:
            raise typer.BadParameter(f"given twice, as {place!r} and {option!r}", param_hint=f"'{self.option}'")
        word = place if option is None else option
        if word is None:
            if self.required:
                either = "" if self.first else f" (or {self.option} {self.role.upper()})"
                raise typer.BadParameter(f"missing: a file, or asset:ID{either}", param_hint=where)
            return None
        if word.startswith(ASSET):
            return _asset(word.removeprefix(ASSET), where)
        path = Path(word)
        if not path.exists():
            raise typer.BadParameter(f"the file {word!r} does not exist", param_hint=where)
        if path.is_dir():
            raise typer.BadParameter(f"{word!r} is a directory", param_hint=where)
        if not os.access(path, os.R_OK):
            raise typer.BadParameter(f"the file {word!r} is not readable", param_hint=where)
        return path


@dataclass(frozen=True)
class Flag:
    """A field of the kind's params as an option. ``annotation`` is what typer makes of the word on the line."""

    name: str
    annotation: Any
    about: str
    default: Any
    required: bool
    as_json: bool = False
    repeatable: bool = False
    constant: bool = False

    @property
    def option(self) -> str:
        """As it is typed."""
        return "--" + self.name.replace("_", "-")

    @property
    def parameter(self) -> inspect.Parameter:
        """For the signature that typer reads."""
        word = f"{self.option}/--no-{self.option[2:]}" if self.annotation is bool and not self.constant else self.option
        # The contract's own name is understood as well as the shell's custom.
        words = dict.fromkeys([word] if self.annotation is bool else [word, f"--{self.name}"])
        wanted: Any = list[self.annotation] if self.repeatable else self.annotation  # type: ignore[name-defined] # data
        optional = not self.required and self.default is None
        annotation: Any = wanted | None if optional else wanted
        metavar = f"<{self.annotation.__name__}>" if self.repeatable and not issubclass(self.annotation, Enum) else None
        shown = self.default not in (None, "") and not self.constant
        option = typer.Option(*words, help=self.about, show_default=shown, metavar=metavar)
        # What must be agreed to is asked for by `chosen`, in words of its own.
        required = self.required and not self.constant
        default = False if self.constant else self.default
        return _parameter(self.name, Annotated[annotation, option], default, required=required)

    def chosen(self, given: Any) -> Any:
        """The value for the contract; None when nothing was said or it is the default, which is the service's to fill.

        Raises ``typer.BadParameter`` for text that should be JSON and is not, and when what must be agreed to is not.
        """
        if self.constant and self.required and not given:
            reason = self.about.removeprefix(AGREED)
            raise typer.BadParameter(f"missing{reason}", param_hint=f"'{self.option}'")
        if self.constant:
            return given or None
        if given is None or given == self.default:
            return None
        if self.repeatable:
            return [each.value if isinstance(each, Enum) else each for each in given] or None
        if self.as_json:
            try:
                return json.loads(given)
            except ValueError as error:
                raise typer.BadParameter(f"not JSON: {error}", param_hint=f"'{self.option}'") from error
        return given.value if isinstance(given, Enum) else given


def pictures(kind: Kind) -> tuple[Picture, ...]:
    """The kind's pictures, in the contract's order."""
    fields = uploads_model(kind).model_fields
    return tuple(
        Picture(
            role,
            fields[role].description or f"The {role.replace('_', ' ')}: a JPEG, PNG or WebP file, or asset:ID.",
            fields[role].is_required(),
            first=number == 0,
        )
        for number, role in enumerate(roles(kind))
    )


def flags(kind: Kind) -> tuple[Flag, ...]:
    """A flag for each of the kind's params: type, choices, default, description and range as the contract says."""
    schema = params_model(kind).model_json_schema()
    return tuple(
        _flag(name, field, schema.get("$defs", {}), required=name in schema.get("required", ()))
        for name, field in schema.get("properties", {}).items()
    )


def usage_error(error: ValidationError) -> typer.BadParameter:
    """What the contract does not allow, in the words of the command line."""
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    path = [str(part) for part in first["loc"]]
    # What does not fit together is told of the params as a whole; its message begins with the one that is wrong.
    name = path[1] if len(path) > 1 else message.partition(" ")[0]
    if path[:1] == ["params"] and name.isidentifier():
        return typer.BadParameter(message, param_hint=f"'--{name.replace('_', '-')}'")
    return typer.BadParameter(message, param_hint=".".join(path) or None)


def _flag(name: str, field: Schema, definitions: dict[str, Schema], *, required: bool) -> Flag:
    shape = _resolve(field, definitions)
    about = field.get("description") or shape.get("description") or ""
    default = field.get("default")
    if shape.get("const") is True:
        words = about.replace("Must be true", AGREED)
        return Flag(name, bool, words, default or False, required, constant=True)
    if "enum" in shape:
        # Named after its values' own text: typer shows and takes the values.
        choices = Enum(name, {str(value): str(value) for value in shape["enum"]}, type=str)  # type: ignore[misc] # data
        return Flag(name, choices, about, None if default is None else choices(default), required)
    if (scalar := _SCALARS.get(shape.get("type", ""))) is not None:
        return Flag(name, scalar, " ".join(part for part in (about, _range(shape)) if part), default, required)
    if shape.get("type") == "array" and not (item := _flag(name, shape["items"], definitions, required=True)).as_json:
        words = " ".join(part for part in (about, _often(shape)) if part)
        return Flag(name, item.annotation, words, default or None, required, repeatable=True)
    text = None if default is None else json.dumps(default)
    return Flag(name, str, f"{about} (as JSON)".strip(), text, required, as_json=True)


def _asset(word: str, where: str) -> AssetReference:
    try:
        return AssetReference(asset_id=word)
    except ValidationError:
        raise typer.BadParameter(
            f"{word!r} is no asset's id (32 hex digits); `darkroom assets list` shows yours", param_hint=where
        ) from None


def _resolve(field: Schema, definitions: dict[str, Schema]) -> Schema:
    """The schema behind a reference, or the one of an optional field that is not null."""
    if "$ref" in field:
        return definitions[field["$ref"].rpartition("/")[2]]
    alternatives = [each for each in field.get("anyOf", ()) if each.get("type") != "null"]
    return _resolve(alternatives[0], definitions) if len(alternatives) == 1 else field


def _often(shape: Schema) -> str:
    """That an option may be given again, in words.

    >>> _often({"maxItems": 20})
    '(repeatable, at most 20 times)'
    """
    return f"(repeatable, at most {shape['maxItems']} times)" if "maxItems" in shape else "(repeatable)"


def _range(shape: Schema) -> str:
    """The bounds in words.

    >>> _range({"exclusiveMinimum": 1, "maximum": 4})
    '(more than 1, at most 4)'
    """
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "more than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    bounds = [
        f"{word} {shape[key]:g}" if shape[key] < 1e6 else f"{word} {shape[key]}"
        for key, word in words.items()
        if key in shape
    ]
    return f"({', '.join(bounds)})" if bounds else ""


def _parameter(name: str, annotation: Any, default: Any, *, required: bool) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=annotation,
        default=inspect.Parameter.empty if required else default,
    )
