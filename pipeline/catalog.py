"""The catalogue of models: data in ``models.toml``, typed here."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.jobs import Kind

CATALOG_FILE = Path(__file__).with_name("models.toml")

Layout = Literal["diffusers", "transformers", "ultralytics", "lora"]


class Model(BaseModel):
    """One model: where its files come from, what they are, and who may use them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", description="Its folder's name; unique.")
    role: str = Field(description="What it is for; one model of each role is chosen.")
    default: bool = Field(True, description="Chosen for its role unless the operator names another.")
    repository: str = Field(description="owner/name on the Hugging Face hub.")
    revision: str = Field(description="A commit; or a branch, which the first fetch resolves to a commit.")
    layout: Layout
    files: tuple[str, ...] = Field(min_length=1, description="Paths in the repository, and in the model's folder.")
    dtype: Literal["float16", "float32"]
    vram_mb: int = Field(gt=0, description="What the weights take on a GPU, roughly; for people, not for the manager.")
    licence: str
    commercial: bool = Field(description="Whether the licence lets a product be sold with it.")
    note: str = Field("", description="What a person should know before choosing it.")
    kinds: tuple[Kind, ...]


@cache
def catalog() -> dict[str, Model]:
    """Every model by id, in the order of the file. Raises ``ValidationError`` when the file is wrong."""
    tables = tomllib.loads(CATALOG_FILE.read_text("utf-8"))
    return {name: Model(id=name, **table) for name, table in tables.items()}


def choose(roles: tuple[str, ...], choices: Mapping[str, str]) -> tuple[Model, ...]:
    """A model for each role: the one ``choices`` (role → id) names, else the default.

    Raises ``ValueError`` when there is none, or the one named is of another role.
    """
    chosen = []
    for role in roles:
        named = choices.get(role)
        fitting = [m for m in catalog().values() if m.role == role and (m.id == named if named else m.default)]
        if len(fitting) != 1:
            known = ", ".join(model.id for model in catalog().values() if model.role == role) or "none"
            raise ValueError(f"no model {named or 'by default'!r} for the role {role!r}; there are: {known}")
        chosen.append(fitting[0])
    return tuple(chosen)
