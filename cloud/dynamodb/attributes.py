"""JSON values as DynamoDB attribute values and back.

boto3's own converter brings all of boto3 and s3transfer along, which is half of a function's import time, and
``Decimal``, which JSON and pydantic do not want.
"""

from collections.abc import Mapping
from typing import Any

# DynamoDB numbers end at 1E-130; nothing of ours means anything that small.
SMALLEST = 1e-100


def to_attribute(value: Any) -> dict[str, Any]:
    """A JSON value as an attribute value. Raises ``TypeError`` for anything else.

    >>> to_attribute({"progress": 0.5, "received": True, "stage": None})
    {'M': {'progress': {'N': '0.5'}, 'received': {'BOOL': True}, 'stage': {'NULL': True}}}
    """
    match value:
        case str():
            return {"S": str(value)}
        case bool():
            return {"BOOL": value}
        case float() if 0 < abs(value) < SMALLEST:
            return {"N": repr(SMALLEST if value > 0 else -SMALLEST)}
        case int() | float():
            return {"N": repr(value)}
        case None:
            return {"NULL": True}
        case dict():
            return {"M": {name: to_attribute(member) for name, member in value.items()}}
        case list():
            return {"L": [to_attribute(member) for member in value]}
        case _:
            raise TypeError(f"{type(value).__name__} is no JSON value")


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """The JSON value of an attribute value; whole numbers are ``int``. Raises ``ValueError`` for what JSON lacks.

    >>> from_attribute({"L": [{"N": "1"}, {"N": "0.5"}, {"S": "load"}]})
    [1, 0.5, 'load']
    """
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            number = float(value)
            return int(value) if value.lstrip("-").isdigit() else int(number) if number.is_integer() else number
        case "NULL":
            return None
        case "M":
            return {name: from_attribute(member) for name, member in value.items()}
        case "L":
            return [from_attribute(member) for member in value]
        case _:
            raise ValueError(f"attributes of type {kind} are none of ours")


def to_item(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Names and JSON values as an item."""
    return {name: to_attribute(value) for name, value in values.items()}


def from_item(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An item, or a stream record's image, as names and JSON values."""
    return {name: from_attribute(value) for name, value in item.items()}
