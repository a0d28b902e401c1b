"""Conditional update: builds DynamoDB's ``UpdateItem`` expressions from values."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from cloud.dynamodb.attributes import to_attribute


class ConditionalUpdate:
    """Collects the SET, ADD and REMOVE clauses and conditions of an ``UpdateItem``.

    Attributes are named by path (``uploads.photo.received``). Every name is aliased, so reserved words are allowed.
    Names must come from code, never from a caller.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}
        self._sets: list[str] = []
        self._adds: list[str] = []
        self._removes: list[str] = []
        self._conditions: list[str] = []

    def name(self, path: str) -> str:
        """Return the alias of an attribute path.

        >>> ConditionalUpdate().name("uploads.photo.size")
        '#uploads.#photo.#size'
        """
        parts = path.split(".")
        aliases = ["#" + re.sub(r"\W", "_", part) for part in parts]
        self._names.update(zip(aliases, parts, strict=True))
        return ".".join(aliases)

    def value(self, value: Any) -> str:
        """Return the placeholder of a JSON value."""
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = to_attribute(value)
        return placeholder

    def set(self, values: Mapping[str, Any]) -> None:
        """Set attributes to JSON values."""
        self._sets += [f"{self.name(path)} = {self.value(value)}" for path, value in values.items()]

    def set_if_absent(self, path: str, value: Any) -> None:
        """Set an attribute to a JSON value, unless it exists."""
        name = self.name(path)
        self._sets.append(f"{name} = if_not_exists({name}, {self.value(value)})")

    def set_or_remove(self, values: Mapping[str, Any]) -> None:
        """Set attributes to JSON values, and remove those whose value is None."""
        self.set({path: value for path, value in values.items() if value is not None})
        self.remove([path for path, value in values.items() if value is None])

    def add(self, path: str, amount: float) -> None:
        """Add to a numeric attribute."""
        self._adds.append(f"{self.name(path)} {self.value(amount)}")

    def remove(self, paths: Iterable[str]) -> None:
        """Remove attributes, if they exist."""
        self._removes += [self.name(path) for path in paths]

    def require(self, path: str, comparison: str, value: Any) -> None:
        """Require that an attribute compares (``=``, ``<=``, …) to a value."""
        self._conditions.append(f"{self.name(path)} {comparison} {self.value(value)}")

    def require_one_of(self, path: str, values: Collection[str]) -> None:
        """Require that an attribute has one of some values."""
        self._conditions.append(f"{self.name(path)} IN ({', '.join(self.value(value) for value in sorted(values))})")

    def require_equal_if_present(self, path: str, value: Any) -> None:
        """Require that an attribute, if it exists, equals a value."""
        self.require_if_present(path, "=", value)

    def require_if_present(self, path: str, comparison: str, value: Any) -> None:
        """Require that an attribute, if it exists, compares (``<=``, …) to a value."""
        name = self.name(path)
        self._conditions.append(f"(attribute_not_exists({name}) OR {name} {comparison} {self.value(value)})")

    def require_absent(self, path: str) -> None:
        """Require that an attribute does not exist."""
        self._conditions.append(f"attribute_not_exists({self.name(path)})")

    def require_size(self, path: str, size: int) -> None:
        """Require that a map or list has ``size`` members."""
        self._conditions.append(f"size({self.name(path)}) = {self.value(size)}")

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``update_item`` besides table, key and return values."""
        clauses = (("SET", self._sets), ("ADD", self._adds), ("REMOVE", self._removes))
        arguments: dict[str, Any] = {
            "UpdateExpression": " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses if parts),
            "ExpressionAttributeNames": self._names,
            "ExpressionAttributeValues": self._values,
        }
        if self._conditions:
            arguments["ConditionExpression"] = " AND ".join(self._conditions)
        return arguments
