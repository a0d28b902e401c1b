"""Lenient reading of items that an earlier or a later version of the service wrote: the one place for every table.

Unknown values of open enumerations stay as text, and unknown attributes are ignored. A value of an unknown form is left
out if the model does without it. Updates are written by attribute, so what is left out here stays in the table.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cloud.dynamodb.attributes import from_attribute
from darkroom.contract.open_enum import unknown_values

Model = TypeVar("Model", bound=BaseModel)


class UnreadableItem(ValueError):
    """Raised when an item lacks a required attribute, or has it in an unknown form."""


def read_item(model: type[Model], item: Mapping[str, Mapping[str, Any]]) -> Model:
    """Return the model of an item or of a stream image. Raises ``UnreadableItem``.

    Its field ``newer_version`` is True if the item has anything that this version does not know, except for whole
    attributes.
    """
    values: dict[str, Any] = {}
    left_out: set[str] = set()
    for name in model.model_fields.keys() & item.keys():
        try:
            values[name] = from_attribute(item[name])
        except ValueError:
            left_out.add(name)
    try:
        found = model.model_validate(values)
    except ValidationError as error:
        left_out |= {str(each["loc"][0]) for each in error.errors(include_url=False) if each["loc"]}
        found = _without(model, values, left_out, error)
    newer = bool(left_out) or unknown_values(found) != {}
    return found.model_copy(update={"newer_version": True}) if newer else found


def _without(model: type[Model], values: Mapping[str, Any], left_out: set[str], reason: ValidationError) -> Model:
    try:
        return model.model_validate({name: value for name, value in values.items() if name not in left_out})
    except ValidationError as error:
        raise UnreadableItem(str(reason)) from error
