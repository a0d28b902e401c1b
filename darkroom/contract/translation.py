"""Translation: title and description of something that people choose, in one language."""

from pydantic import BaseModel, ConfigDict


class Translation(BaseModel):
    """Title and description in a language other than English."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    description: str
