"""Settings of the guarded emulator, read once from the environment."""

from pathlib import Path
from typing import Self

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of the guard. MiniStack reads its own variables (``infra.local.emulator``)."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_prefix="GUARD_")

    folder: Path = Field(description="The stack's folder.")
    port: int
    origins: list[str] = Field([], description="Origins of web pages that may call, beside the studio's, as JSON.")
    snapshots: bool = Field(True, description="Save the state while running and at the end.")

    @classmethod
    def read(cls) -> Self:
        """Read the settings from the environment. Raises ``ValidationError`` naming missing or invalid ones."""
        return cls()
