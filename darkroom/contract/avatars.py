"""The avatars that come with us: data in ``avatars.toml``, typed here; their portraits lie in ``avatars/``."""

import tomllib
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from darkroom.contract.choice import OneOf

AVATARS_FILE = Path(__file__).with_name("avatars.toml")
AVATARS_FOLDER = Path(__file__).with_name("avatars")


class Avatar(BaseModel):
    """One avatar: somebody who does not exist, rendered by ``tests/data/render_face.py``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="What a request calls it; unique.")
    title: str = Field(max_length=40)
    description: str = Field(max_length=200)
    licence: str

    @property
    def path(self) -> Path:
        """The portrait's file: WebP, 512×512 pixels."""
        return AVATARS_FOLDER / f"{self.name}.webp"

    @property
    def picture(self) -> bytes:
        """The portrait as it lies on disk."""
        return self.path.read_bytes()

    @property
    def size(self) -> int:
        """Bytes of the portrait's file."""
        return self.path.stat().st_size

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the portrait's file, lower-case hex."""
        return sha256(self.picture).hexdigest()


@cache
def avatars() -> dict[str, Avatar]:
    """Every avatar by name, in the order of the file. Raises ``ValidationError`` when the file is wrong."""
    tables = tomllib.loads(AVATARS_FILE.read_text("utf-8"))
    return {name: Avatar(name=name, **table) for name, table in tables.items()}


AvatarName = Annotated[str, OneOf("avatar", avatars())]
