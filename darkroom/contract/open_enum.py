"""Open enumerations: enumerations that a later version may extend.

Requests accept the members alone. What a neighbour of another version wrote (rows, outcomes, answers) may have values
that this version does not know: fields annotated with ``Open`` keep them as text.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Self, TypeVar, get_args

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidatorFunctionWrapHandler
from pydantic_core import CoreSchema, core_schema


class OpenEnum(StrEnum):
    """Enumeration of strings whose values of a later version are instances too, without being members.

    >>> class Light(OpenEnum):
    ...     RED = "red"
    >>> Light.of("red") is Light.RED, Light.of("amber") == "amber", Light.of("amber").known
    (True, True, False)
    """

    @classmethod
    def of(cls, value: str) -> Self:
        """Return the member with this value, or an instance that keeps the unknown text."""
        known = cls._value2member_map_.get(value)
        if isinstance(known, cls):
            return known
        unknown = str.__new__(cls, value)
        unknown._name_ = unknown._value_ = str(value)
        return unknown

    @property
    def known(self) -> bool:
        """False for a value of a later version."""
        return self._value_ in type(self)._value2member_map_

    def __reduce_ex__(self, _protocol: object, /) -> tuple[Any, ...]:
        return type(self).of, (self._value_,)


@dataclass(frozen=True)
class _KeepUnknown:
    """Pydantic annotation of a field that keeps unknown text. Its JSON schema names the known values."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        known = handler(source)
        if not (isinstance(source, type) and issubclass(source, OpenEnum)):
            # A literal: its serializer would warn of other text, that of a union does not.
            return core_schema.union_schema([known, core_schema.str_schema()], mode="left_to_right")

        def read(value: object, members: ValidatorFunctionWrapHandler) -> object:
            return source.of(value) if isinstance(value, str) else members(value)

        return core_schema.no_info_wrap_validator_function(read, known)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        if schema["type"] != "union":
            return handler(schema)
        known = schema["choices"][0]
        return handler(known[0] if isinstance(known, tuple) else known)


_Value = TypeVar("_Value", bound=str)
Open = Annotated[_Value, _KeepUnknown()]


def unknown_values(model: BaseModel) -> dict[str, str]:
    """Return the values in a model that this version does not know, by their dotted paths."""
    return dict(_unknown_values(model, ""))


def _unknown_values(value: object, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case OpenEnum() if not value.known:
            yield path, str(value)
        case BaseModel():
            for name, field in type(value).model_fields.items():
                member, inner = getattr(value, name), f"{path}.{name}" if path else name
                if any(isinstance(each, _KeepUnknown) for each in field.metadata) and not isinstance(member, OpenEnum):
                    if member not in _literals(field.annotation):
                        yield inner, str(member)
                else:
                    yield from _unknown_values(member, inner)
        case dict():
            for name, member in value.items():
                yield from _unknown_values(member, f"{path}.{name}")
        # Outlines are long lists of numbers.
        case [BaseModel() | OpenEnum(), *_]:
            for number, member in enumerate(value):
                yield from _unknown_values(member, f"{path}.{number}")


def _literals(annotation: object) -> Iterator[object]:
    """Yield the values of a literal type, or of a union of such types."""
    for each in get_args(annotation):
        if isinstance(each, str):
            yield each
        else:
            yield from _literals(each)
