"""Room styles: typed access to ``styles.toml``, with names for the API, and prompts and materials for the engines."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from darkroom.contract.choice import OneOf
from darkroom.contract.translation import Translation

STYLES_FILE = Path(__file__).with_name("styles.toml")

HexColour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]

Material = Literal[
    "paint",
    "plaster",
    "concrete",
    "brick",
    "shiplap",
    "slats",
    "panelling",
    "wainscot",
    "planks",
    "herringbone",
    "tiles",
    "checker",
    "terrazzo",
    "carpet",
]


class StyleTable(BaseModel):
    """Base of all tables of the file: frozen; unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Finish(StyleTable):
    """Surface finish: material, colours and pattern size. Sizes are metres on the surface."""

    material: Material
    colours: tuple[HexColour, ...] = Field(min_length=1, max_length=5, description="The main colour first.")
    joint: HexColour | None = Field(None, description="Between planks, bricks and tiles; darker than them by default.")
    size: float = Field(0.2, ge=0.01, le=4, description="Width of a plank, slat or tile.")
    length: float = Field(1.2, ge=0.01, le=4, description="Length of a plank or brick; height of a wainscot.")


class Light(StyleTable):
    """Colour grading of the whole picture. All zeros leave it unchanged."""

    exposure: float = Field(0, ge=-1, le=1, description="Stops.")
    temperature: float = Field(0, ge=-1, le=1, description="From cool to warm.")
    tint: float = Field(0, ge=-1, le=1, description="From green to magenta.")
    contrast: float = Field(0, ge=-1, le=1)
    saturation: float = Field(0, ge=-1, le=1)
    fade: float = Field(0, ge=0, le=1, description="Lifts the blacks, as old prints do.")
    vignette: float = Field(0, ge=0, le=1, description="Darkens the corners.")


class Style(StyleTable):
    """A room style: title and description for people, prompt for the diffusion model, finishes for the preview engine.

    Colours are sRGB, ``#rrggbb``.
    """

    name: str
    title: str
    description: str
    translations: dict[str, Translation] = Field({}, description="Language, such as `es` → its words.")
    prompt: str = Field(max_length=160, description="Prompt for the diffusion model: materials, colours, light.")
    palette: tuple[HexColour, ...] = Field(min_length=3, max_length=8, description="Dominant colours first.")
    wall: Finish
    accent: Finish | None = Field(None, description="The wall that is seen best; like the others by default.")
    ceiling: Finish
    floor: Finish
    wet_floor: Finish = Field(description="The floor of kitchens and bathrooms.")
    light: Light = Light()


@cache
def styles() -> dict[str, Style]:
    """Return every style by name, in the order of the file. Raises ``ValidationError`` if the file is invalid."""
    tables = tomllib.loads(STYLES_FILE.read_text("utf-8"))
    return {name: Style(name=name, **table) for name, table in tables.items()}


StyleName = Annotated[str, OneOf("style", styles())]
