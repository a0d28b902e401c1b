"""Built-in avatars: typed access to ``avatars.toml`` and to the portraits in ``avatars/``."""

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
    """A built-in avatar: a person who does not exist, rendered by ``tests/data/render_face.py``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Unique name, used in requests.")
    title: str = Field(max_length=40)
    description: str = Field(max_length=200)
    licence: str

    @property
    def path(self) -> Path:
        """Path of the portrait: WebP, 512×512 pixels."""
        return AVATARS_FOLDER / f"{self.name}.webp"

    @property
    def picture(self) -> bytes:
        """Bytes of the portrait's WebP file."""
        return self.path.read_bytes()

    @property
    def size(self) -> int:
        """Size of the portrait's file in bytes."""
        return self.path.stat().st_size

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the portrait's file, lower-case hex."""
        return sha256(self.picture).hexdigest()


@cache
def avatars() -> dict[str, Avatar]:
    """Return every avatar by name, in the order of the file. Raises ``ValidationError`` if the file is invalid."""
    tables = tomllib.loads(AVATARS_FILE.read_text("utf-8"))
    return {name: Avatar(name=name, **table) for name, table in tables.items()}


AvatarName = Annotated[str, OneOf("avatar", avatars())]
