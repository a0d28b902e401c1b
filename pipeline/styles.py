"""The room styles: data in ``styles.toml``, typed here, used by the API (names) and the engines (materials)."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

STYLES_FILE = Path(__file__).with_name("styles.toml")

HexColour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]


class Style(BaseModel):
    """One style: what people read, and what the preview engine paints with.

    Colours are sRGB, ``#rrggbb``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    description: str
    palette: tuple[HexColour, ...] = Field(min_length=3, max_length=8, description="Dominant colours first.")


@cache
def styles() -> dict[str, Style]:
    """Every style by name, in the order of the file. Raises ``ValidationError`` when the file is wrong."""
    tables = tomllib.loads(STYLES_FILE.read_text("utf-8"))
    return {name: Style(name=name, **table) for name, table in tables.items()}


def _known(name: str) -> str:
    if name not in styles():
        raise ValueError(f"unknown style {name!r}; choose one of: {', '.join(styles())}")
    return name


StyleName = Annotated[
    str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(styles()), "title": "Style"})
]
