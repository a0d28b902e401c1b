"""Param flags: the options of a kind's command, generated from the contract's params."""

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from darkroom.client import script
from darkroom.client.scenes import SCRIPT, problem
from darkroom.contract.kinds import Kind
from darkroom.contract.requests import params_model

Schema = dict[str, Any]

CONSENT_REASON = "Must be given"
SET = "'--set'"

_SCALARS: dict[str, type] = {"integer": int, "number": float, "boolean": bool, "string": str}


@dataclass(frozen=True)
class Flag:
    """A param of the kind as an option. ``annotation`` is the type that typer parses.

    ``numbers`` is the count of comma-separated numbers in one value; 0 for params that are no tuple of numbers.
    """

    name: str
    annotation: Any
    description: str
    default: Any
    required: bool
    as_json: bool = False
    repeatable: bool = False
    numbers: int = 0
    constant: bool = False

    @property
    def option(self) -> str:
        """The option's name on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def parameter(self) -> inspect.Parameter:
        """The parameter for the signature that typer reads."""
        word = f"{self.option}/--no-{self.option[2:]}" if self.annotation is bool and not self.constant else self.option
        # The contract's name (with underscores) is accepted, too.
        words = dict.fromkeys([word] if self.annotation is bool else [word, f"--{self.name}"])
        wanted: Any = list[self.annotation] if self.repeatable else self.annotation  # type: ignore[name-defined] # data
        optional = not self.required and self.default is None
        annotation: Any = wanted | None if optional else wanted
        metavar = "TEXT|@FILE" if self.name == SCRIPT else None
        if self.repeatable and not issubclass(self.annotation, Enum):
            metavar = ",".join(["NUMBER"] * self.numbers) or f"<{self.annotation.__name__}>"
        shown = self.default not in (None, "") and not self.constant
        option = typer.Option(*words, help=self.description, show_default=shown, metavar=metavar)
        # A param that must be true is checked by `contract_value`, with its own message.
        required = self.required and not self.constant
        default = False if self.constant else self.default
        return parameter(self.name, Annotated[annotation, option], default, required=required)

    def contract_value(self, given: Any) -> Any:
        """Return the value for the contract; None if it was not given or is the default, which the service fills in.

        Raises ``typer.BadParameter`` for invalid JSON or numbers, for an unreadable script, and for a missing param
        that must be true.
        """
        if self.constant and self.required and not given:
            reason = self.description.removeprefix(CONSENT_REASON)
            raise typer.BadParameter(f"missing{reason}", param_hint=f"'{self.option}'")
        if self.constant:
            return given or None
        if given is None or given == self.default:
            return None
        if self.name == SCRIPT:
            return _script(given, f"'{self.option}'")
        if self.numbers:
            return [self._numbers(word, f"'{self.option}'") for word in given] or None
        if self.repeatable:
            return [each.value if isinstance(each, Enum) else each for each in given] or None
        if self.as_json:
            try:
                return json.loads(given)
            except ValueError as error:
                raise typer.BadParameter(f"not JSON: {error}", param_hint=f"'{self.option}'") from error
        return given.value if isinstance(given, Enum) else given

    def read(self, text: str) -> Any:
        """Parse the text of a value; values that the contract does not allow are returned for it to reject.

        Raises ``typer.BadParameter`` for an unreadable script and for invalid numbers.
        """
        if text == "null" and not self.required:
            return self.default.value if isinstance(self.default, Enum) else [] if self.repeatable else self.default
        if self.name == SCRIPT:
            return _script(text, SET)
        if self.numbers and not text.startswith("["):
            return [self._numbers(word, SET) for word in text.split()]
        if self.repeatable and not text.startswith("["):
            return [word.strip() for word in text.split(",") if word.strip()]
        if self.repeatable or self.as_json or self.annotation in (bool, int, float):
            try:
                return json.loads(text)
            except ValueError:
                return text
        return text

    def _numbers(self, word: str, where: str) -> list[float]:
        try:
            values = [float(part) for part in word.split(",")]
        except ValueError:
            values = []
        if len(values) != self.numbers:
            raise typer.BadParameter(
                f"{word!r}: write {self.numbers} numbers with commas between them", param_hint=where
            )
        return values


def flags(kind: Kind) -> tuple[Flag, ...]:
    """Return a flag for each of the kind's params, with type, choices, default, description and range of the
    contract.
    """
    schema = params_model(kind).model_json_schema()
    return tuple(
        _flag(name, field, schema.get("$defs", {}), required=name in schema.get("required", ()))
        for name, field in schema.get("properties", {}).items()
    )


def parse_changes(kind: Kind, params: Mapping[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """Return the params that ``NAME=VALUE`` words change, as contract values; ``null`` stands for the default.

    Raises ``typer.BadParameter`` for a malformed word, an unknown param, and values that the contract does not allow
    together with the unchanged ``params``.
    """
    known = {each.name: each for each in flags(kind)}
    wanted: dict[str, Any] = {}
    for change in changes:
        name, equals, text = change.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in known:
            reason = "write NAME=VALUE" if not equals else f"{kind} has no param {name!r}; it has: {', '.join(known)}"
            raise typer.BadParameter(f"{change!r}: {reason}", param_hint=SET)
        wanted[name] = known[name].read(text)
    try:
        params_model(kind).model_validate({**params, **wanted})
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"{part}: " for part in first["loc"][:1])
        raise typer.BadParameter(where + _message_text(first["msg"]), param_hint=SET) from error
    return wanted


def usage_error(error: ValidationError, hints: Mapping[str, str], otherwise: str | None = None) -> typer.BadParameter:
    """Return a validation error of the contract as a usage error of the command.

    ``hints`` maps params and roles to their names on the command line; ``otherwise`` is the hint for everything else.
    """
    first = error.errors()[0]
    message = _message_text(first["msg"])
    path = [str(part) for part in first["loc"]]
    if len(path) > 1:
        names = path[1:2]
    else:
        # Errors of the whole model have no path: find the fields' names in the message, at its start or anywhere.
        names = re.findall(r"\w+", message)
        names = names[:1] if names[0] in hints else names
    found = dict.fromkeys(hints[name] for name in names if name in hints)
    if found:
        return typer.BadParameter(message, param_hint=" / ".join(found))
    return typer.BadParameter(problem(error), param_hint=otherwise)


def _message_text(message: str) -> str:
    return message.removeprefix("Value error, ")


def _script(word: str, where: str) -> str:
    try:
        return script.read(word)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=where) from error


def _mention_command(description: str) -> str:
    """Return a description with routes replaced by commands.

    >>> _mention_command("GET /styles?kind=generate lists them.")
    '`darkroom styles --kind generate` lists them.'
    """
    return re.sub(
        r"GET /(\w+)(?:\?(\w+)=(\w+))?", lambda found: f"`darkroom {found[1]}{_query_option(found)}`", description
    )


def _query_option(found: re.Match[str]) -> str:
    return f" --{found[2]} {found[3]}" if found[2] else ""


def _flag(name: str, field: Schema, definitions: dict[str, Schema], *, required: bool) -> Flag:
    shape = _resolve(field, definitions)
    description = _mention_command(field.get("description") or shape.get("description") or "")
    default = field.get("default")
    if shape.get("const") is True:
        words = description.replace("Must be true", CONSENT_REASON)
        return Flag(name, bool, words, default or False, required, constant=True)
    if "enum" in shape:
        # Members are named after their values, because typer shows and parses the values.
        choices = Enum(name, {str(value): str(value) for value in shape["enum"]}, type=str)  # type: ignore[misc] # data
        return Flag(name, choices, description, None if default is None else choices(default), required)
    if name == SCRIPT:
        return Flag(
            name, str, f"{description} @FILE is the text of a file, @- that of standard input.", default, required
        )
    if (scalar := _SCALARS.get(shape.get("type", ""))) is not None:
        return Flag(
            name, scalar, " ".join(part for part in (description, _bounds_note(shape)) if part), default, required
        )
    if numbers := _tuple_length(shape.get("items", {})):
        words = " ".join(part for part in (description, _repeat_note(shape)) if part)
        return Flag(name, str, words, default or None, required, repeatable=True, numbers=numbers)
    if shape.get("type") == "array" and not (item := _flag(name, shape["items"], definitions, required=True)).as_json:
        words = " ".join(part for part in (description, _repeat_note(shape)) if part)
        return Flag(name, item.annotation, words, default or None, required, repeatable=True)
    text = None if default is None else json.dumps(default)
    return Flag(name, str, f"{description} (as JSON)".strip(), text, required, as_json=True)


def _tuple_length(shape: Schema) -> int:
    """Return the length of a fixed-size array of numbers; 0 for anything else.

    >>> _tuple_length({"type": "array", "prefixItems": [{"type": "number"}] * 2, "minItems": 2, "maxItems": 2})
    2
    """
    parts = shape.get("prefixItems", [])
    return len(parts) if all(part.get("type") == "number" for part in parts) else 0


def _resolve(field: Schema, definitions: dict[str, Schema]) -> Schema:
    """Return the schema behind a reference, or the non-null one of an optional field."""
    if "$ref" in field:
        return definitions[field["$ref"].rpartition("/")[2]]
    alternatives = [each for each in field.get("anyOf", ()) if each.get("type") != "null"]
    return _resolve(alternatives[0], definitions) if len(alternatives) == 1 else field


def _repeat_note(shape: Schema) -> str:
    """Return the note for a repeatable option.

    >>> _repeat_note({"maxItems": 20})
    '(repeatable, at most 20 times)'
    """
    return f"(repeatable, at most {shape['maxItems']} times)" if "maxItems" in shape else "(repeatable)"


def _bounds_note(shape: Schema) -> str:
    """Return the bounds in words.

    >>> _bounds_note({"exclusiveMinimum": 1, "maximum": 4})
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


def parameter(name: str, annotation: Any, default: Any, *, required: bool) -> inspect.Parameter:
    """Return a keyword parameter for a signature that typer reads."""
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=annotation,
        default=inspect.Parameter.empty if required else default,
    )
