"""Names that a request chooses among: lists that we have as data, which the schema shows and any other word is told."""

from collections.abc import Iterable

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class OneOf:
    """For ``Annotated[str, OneOf("voice", voices())]``: one of ``names``, in their order; ``what`` they are names of.

    ``title`` is the schema's, ``what`` with a capital when left out.
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
