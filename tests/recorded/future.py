"""Values "from the future": today's JSON with unknown values at every enumeration and an unknown field at every object.

The positions are found in the JSON schema of the model that reads the value.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

UNKNOWN = "from_the_future"
ADDED = {"added_later": {"of": ["a", "newer", {"version": 2}]}}

Path = tuple[str | int, ...]


def all_changes(value: Any, schema: dict[str, Any], *, keep: tuple[str, ...] = ()) -> Any:
    """The value with every unknown value and field at once. Enumerations in fields named in ``keep`` stay."""
    changed = deepcopy(value)
    for path, change in sorted(_positions(value, schema, schema, (), keep), key=lambda each: -len(each[0])):
        changed = _at(changed, path, change)
    return changed


def each_change(value: Any, schema: dict[str, Any], *, keep: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Each unknown value or field alone: its position in words, and the changed value."""
    for path, change in _positions(value, schema, schema, (), keep):
        yield ".".join(map(str, path)) or "the whole", _at(deepcopy(value), path, change)


def _positions(
    value: Any, schema: dict[str, Any], root: dict[str, Any], path: Path, keep: tuple[str, ...]
) -> Iterator[tuple[Path, Callable[[Any], Any]]]:
    schema = _resolved(value, schema, root)
    if isinstance(value, str) and "enum" in schema:
        if not path or path[-1] not in keep:
            yield path, lambda _value: UNKNOWN
    elif isinstance(value, dict) and "properties" in schema:
        yield path, lambda found: {**found, **ADDED}
        for name, member in value.items():
            yield from _positions(member, schema["properties"].get(name, {}), root, (*path, name), keep)
    elif isinstance(value, dict) and isinstance(schema.get("additionalProperties"), dict):
        for name, member in value.items():
            yield from _positions(member, schema["additionalProperties"], root, (*path, name), keep)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for number, member in enumerate(value):
            yield from _positions(member, schema["items"], root, (*path, number), keep)


def _resolved(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """The schema without references and alternatives of another type."""
    while True:
        if "$ref" in schema:
            schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
        elif "oneOf" in schema and "discriminator" in schema:
            field = schema["discriminator"]
            schema = {"$ref": field["mapping"][value[field["propertyName"]]]}
        elif "anyOf" in schema:
            choices = [each for each in schema["anyOf"] if each.get("type") != "null"]
            if value is None or not (len(choices) == 1 or all("enum" in each for each in choices)):
                return {}
            schema = choices[0]
        else:
            return schema


def _at(value: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(value)
    value[path[0]] = _at(value[path[0]], path[1:], change)
    return value
