"""Voices for speech synthesis: typed access to ``voices.toml``. The container chooses the synthesiser."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from darkroom.contract.choice import OneOf

VOICES_FILE = Path(__file__).with_name("voices.toml")
DEFAULT_LANGUAGE = "en-US"


class Voice(BaseModel):
    """A voice, with its identifiers in each synthesiser.

    ``language`` is a BCP 47 tag. The first voice of a language in the file is the language's default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Unique name, used in requests.")
    title: str = Field(max_length=40)
    language: str = Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")
    espeak: str = Field(description="espeak-ng's name of language and variant, such as en-us+f3.")
    polly: str | None = Field(None, description="Amazon Polly's voice id; where it has none, espeak-ng speaks.")
    polly_engine: str = Field("neural", pattern=r"^(standard|neural|long-form|generative)$")


@cache
def voices() -> dict[str, Voice]:
    """Return every voice by name, in the order of the file. Raises ``ValidationError`` if the file is invalid."""
    tables = tomllib.loads(VOICES_FILE.read_text("utf-8"))
    return {name: Voice(name=name, **table) for name, table in tables.items()}


@cache
def languages() -> tuple[str, ...]:
    """Return the languages of all voices, without duplicates, in the order of the file."""
    return tuple(dict.fromkeys(voice.language for voice in voices().values()))


def voice_for(name: str | None, language: str | None) -> Voice:
    """Return the voice of a name, else the default voice of a language, which is American English by default.

    >>> voice_for(None, "es-ES").language
    'es-ES'
    """
    if name is not None:
        return voices()[name]
    wanted = language or DEFAULT_LANGUAGE
    return next(voice for voice in voices().values() if voice.language == wanted)


VoiceName = Annotated[str, OneOf("voice", voices())]
Language = Annotated[str, OneOf("language", languages())]
