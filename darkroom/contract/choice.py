"""Choice type: a string that must be one of the names in a data file; the JSON schema lists them as ``enum``."""

from collections.abc import Iterable

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class OneOf:
    """Pydantic annotation that validates a string as one of ``names``: ``Annotated[str, OneOf("voice", voices())]``.

    ``what`` is the noun for error messages. ``title`` is the schema's title; by default ``what``, capitalised.
    """

    def __init__(self, what: str, names: Iterable[str], *, title: str | None = None) -> None:
        self._what = what
        self._names = dict.fromkeys(names)
        self._title = title or what.capitalize()

    def __get_pydantic_core_schema__(self, source: type[str], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._known, handler(source))

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "enum": list(self._names), "title": self._title}

    def _known(self, name: str) -> str:
        if name not in self._names:
            raise ValueError(f"unknown {self._what} {name!r}; choose one of: {', '.join(self._names)}")
        return name
