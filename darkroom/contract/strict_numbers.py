"""Strict numbers and booleans: what the JSON schema says, without pydantic's conversions of one into the other.

pydantic would read ``true`` and ``"1"`` as the integer 1, and ``"yes"`` as true. A number without a fraction, such as
``2.0``, is an integer, as it is to JSON schema.
"""

from typing import Any

from pydantic_core import CoreSchema, PydanticKnownError, core_schema


def without_conversion(schema: CoreSchema) -> CoreSchema:
    """Return a core schema in which integers, numbers and booleans accept only their own type."""
    strict: CoreSchema = _strict(schema)
    return strict


def _strict(part: Any) -> Any:
    if isinstance(part, list | tuple):
        return type(part)(_strict(member) for member in part)
    if not isinstance(part, dict):
        return part
    if part.get("type") == "function-before" and part["function"].get("function") in (_number, _boolean):
        return part  # of a model that was treated before
    inner = {name: value if name in ("metadata", "serialization") else _strict(value) for name, value in part.items()}
    match inner.get("type"):
        case "bool" | "float":
            return {**inner, "strict": True}
        case "int":
            return core_schema.no_info_before_validator_function(_number, inner)
        case "literal" if all(isinstance(value, bool) for value in inner["expected"]):
            return core_schema.no_info_before_validator_function(_boolean, inner)
        case _:
            return inner


def _number(value: object) -> object:
    """Return the value. Raises pydantic's error of an integer for a boolean and for text."""
    if isinstance(value, bool | str):
        raise PydanticKnownError("int_type")
    return value


def _boolean(value: object) -> object:
    """Return the value. Raises pydantic's error of a boolean for anything else, as 1 equals true in Python."""
    if not isinstance(value, bool):
        raise PydanticKnownError("bool_type")
    return value
