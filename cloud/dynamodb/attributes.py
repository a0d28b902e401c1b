"""DynamoDB attribute values: conversion from and to JSON values.

boto3's converter would import all of boto3 and s3transfer, half of a function's import time. It also returns
``Decimal``, which neither JSON nor pydantic accepts.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

# DynamoDB numbers have a minimum magnitude of 1E-130; smaller values have no meaning here.
SMALLEST = 1e-100


def to_attribute(value: Any) -> dict[str, Any]:
    """Convert a JSON value to an attribute value. Raises ``TypeError`` for anything else.

    >>> to_attribute({"progress": 0.5, "received": True, "stage": None})
    {'M': {'progress': {'N': '0.5'}, 'received': {'BOOL': True}, 'stage': {'NULL': True}}}
    >>> to_attribute(3e-06)
    {'N': '0.000003'}
    """
    match value:
        case str():
            return {"S": str(value)}
        case bool():
            return {"BOOL": value}
        case float() if 0 < abs(value) < SMALLEST:
            return to_attribute(SMALLEST if value > 0 else -SMALLEST)
        case int():
            return {"N": repr(value)}
        case float():
            # Without an exponent: DynamoDB reads 3e-06, but not all that stands in for it does.
            return {"N": f"{Decimal(repr(value)):f}"}
        case None:
            return {"NULL": True}
        case dict():
            return {"M": {name: to_attribute(member) for name, member in value.items()}}
        case list():
            return {"L": [to_attribute(member) for member in value]}
        case _:
            raise TypeError(f"{type(value).__name__} is no JSON value")


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """Convert an attribute value to a JSON value; whole numbers become ``int``. Raises ``ValueError`` for non-JSON
    types.

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
    """Convert names and JSON values to an item."""
    return {name: to_attribute(value) for name, value in values.items()}


def from_item(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Convert an item, or a stream record's image, to names and JSON values."""
    return {name: from_attribute(value) for name, value in item.items()}
