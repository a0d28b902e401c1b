"""Answer schemas of the OpenAPI document: every field that is always sent is required.

pydantic describes models as they are validated: fields with a default are optional. That is right for requests. Answers
are serialized with all their fields, so clients need no checks for absent ones.
"""

from collections.abc import Iterator
from typing import Any

PREFIX = "#/components/schemas/"
# Serialized without fields that are null.
SPARSE = frozenset({"Problem"})


def require_fields_of_answers(document: dict[str, Any]) -> None:
    """Make the fields of answer schemas required. Raises ``ValueError`` for a model of both requests and answers."""
    schemas = document["components"]["schemas"]
    operations = [each for item in document["paths"].values() for each in item.values()]
    requested = _reachable([each.get("requestBody", {}) for each in operations], schemas)
    for name in _reachable([each["responses"] for each in operations], schemas):
        properties = schemas[name].get("properties", {})
        required = schemas[name].get("required", [])
        sent = [each for each in properties if each in required or name not in SPARSE or "default" in properties[each]]
        if sent == required or not properties:
            continue
        if name in requested:
            raise ValueError(f"{name} is in requests and in answers: give the answer a model of its own")
        schemas[name]["required"] = sent


def mark_open_enumerations(document: dict[str, Any]) -> None:
    """Mark the enumerations of answers with ``x-extensible-enum``, as a later version may add values to them."""
    schemas = document["components"]["schemas"]
    operations = [each for item in document["paths"].values() for each in item.values()]
    for name in _reachable([each["responses"] for each in operations], schemas):
        _mark(schemas[name])


def _mark(schema: Any) -> None:
    if isinstance(schema, dict):
        if "enum" in schema:
            schema["x-extensible-enum"] = schema["enum"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for member in schema:
            _mark(member)


def _reachable(value: Any, schemas: dict[str, Any]) -> set[str]:
    """Return the names of the schemas that a value refers to, also through other schemas."""
    found: set[str] = set()
    waiting = list(references(value))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += references(schemas[name])
    return found


def references(value: Any) -> Iterator[str]:
    """Yield the names of the schemas that a value refers to."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].removeprefix(PREFIX)
        value = list(value.values())
    if isinstance(value, list):
        for member in value:
            yield from references(member)
