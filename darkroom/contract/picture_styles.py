"""Picture styles of ``generate``: typed access to ``picture_styles.toml``."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from darkroom.contract.choice import OneOf
from darkroom.contract.translation import Translation

PICTURE_STYLES_FILE = Path(__file__).with_name("picture_styles.toml")


class PictureStyle(BaseModel):
    """A picture style: its title and description for people, and its prompt template for the diffusion model.

    ``prompt`` contains ``{prompt}`` once, which is replaced by the caller's prompt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    description: str
    translations: dict[str, Translation] = Field({}, description="Language, such as `es` → its words.")
    prompt: str = Field(max_length=300, pattern=r"^[^{}]*\{prompt\}[^{}]*$")
    negative_prompt: str = Field("", max_length=200, description="Things to avoid, if guidance is above 1.")


@cache
def picture_styles() -> dict[str, PictureStyle]:
    """Return every picture style by name, in the order of the file. Raises ``ValidationError`` if it is invalid."""
    tables = tomllib.loads(PICTURE_STYLES_FILE.read_text("utf-8"))
    return {name: PictureStyle(name=name, **table) for name, table in tables.items()}


PictureStyleName = Annotated[str, OneOf("style", picture_styles(), title="PictureStyle")]
