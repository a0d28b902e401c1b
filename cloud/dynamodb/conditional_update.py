"""One conditional DynamoDB update, put together from values instead of text."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from cloud.dynamodb.attributes import to_attribute


class ConditionalUpdate:
    """Collects what an ``UpdateItem`` sets, adds, removes and insists on.

    Attributes are named by path (``uploads.photo.received``); every name is aliased, so reserved words are no
    concern. Names come from our own code and contract, never from a caller.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}
        self._sets: list[str] = []
        self._adds: list[str] = []
        self._removes: list[str] = []
        self._conditions: list[str] = []

    def name(self, path: str) -> str:
        """The alias of an attribute.

        >>> ConditionalUpdate().name("uploads.photo.size")
        '#uploads.#photo.#size'
        """
        parts = path.split(".")
        aliases = ["#" + re.sub(r"\W", "_", part) for part in parts]
        self._names.update(zip(aliases, parts, strict=True))
        return ".".join(aliases)

    def value(self, value: Any) -> str:
        """The placeholder of a JSON value."""
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = to_attribute(value)
        return placeholder

    def set(self, values: Mapping[str, Any]) -> None:
        """Set attributes to JSON values."""
        self._sets += [f"{self.name(path)} = {self.value(value)}" for path, value in values.items()]

    def set_if_absent(self, path: str, value: Any) -> None:
        """Set an attribute that does not exist yet to a JSON value."""
        name = self.name(path)
        self._sets.append(f"{name} = if_not_exists({name}, {self.value(value)})")

    def add(self, path: str, amount: float) -> None:
        """Add to a number."""
        self._adds.append(f"{self.name(path)} {self.value(amount)}")

    def remove(self, paths: Iterable[str]) -> None:
        """Remove attributes, if they are there."""
        self._removes += [self.name(path) for path in paths]

    def require(self, path: str, comparison: str, value: Any) -> None:
        """Insist that an attribute compares (``=``, ``<=``, …) to a value."""
        self._conditions.append(f"{self.name(path)} {comparison} {self.value(value)}")

    def require_one_of(self, path: str, values: Collection[str]) -> None:
        """Insist on one of some values."""
        self._conditions.append(f"{self.name(path)} IN ({', '.join(self.value(value) for value in sorted(values))})")

    def require_equal_if_present(self, path: str, value: Any) -> None:
        """Insist that an attribute, where it exists, is this value."""
        self.require_if_present(path, "=", value)

    def require_if_present(self, path: str, comparison: str, value: Any) -> None:
        """Insist that an attribute, where it exists, compares (``<=``, …) to a value."""
        name = self.name(path)
        self._conditions.append(f"(attribute_not_exists({name}) OR {name} {comparison} {self.value(value)})")

    def require_absent(self, path: str) -> None:
        """Insist that an attribute does not exist."""
        self._conditions.append(f"attribute_not_exists({self.name(path)})")

    def require_size(self, path: str, size: int) -> None:
        """Insist on the number of members of a map or a list."""
        self._conditions.append(f"size({self.name(path)}) = {self.value(size)}")

    def arguments(self) -> dict[str, Any]:
        """What ``update_item`` takes besides table, key and return values."""
        clauses = (("SET", self._sets), ("ADD", self._adds), ("REMOVE", self._removes))
        arguments: dict[str, Any] = {
            "UpdateExpression": " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses if parts),
            "ExpressionAttributeNames": self._names,
            "ExpressionAttributeValues": self._values,
        }
        if self._conditions:
            arguments["ConditionExpression"] = " AND ".join(self._conditions)
        return arguments
