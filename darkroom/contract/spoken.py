"""Speech in requests: a script, and the voice that reads it."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints

from darkroom.contract.languages import automatic_voice, check_letters
from darkroom.contract.params import Contract
from darkroom.contract.subtitle_characters import cannot_burn_message, missing_characters
from darkroom.contract.voices import VoiceName, voices

MAX_SCRIPT_CHARACTERS = 5_000

# Words to be spoken, stripped.
Script = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_SCRIPT_CHARACTERS)]


class Spoken(Contract):
    """Base of models with speech: script and voice."""

    script: Script = Field(
        "",
        description="Text to be spoken, or the words of a recorded voice.",
    )
    voice: VoiceName | None = Field(
        None,
        description="Voice; GET /voices lists them. Default: the first of `language`, else of the language that the "
        "script is in. The job's params name it.",
    )

    def check_voice(self, language: str | None) -> None:
        """Check that the voice speaks the language. Raises ``ValueError``."""
        if self.voice is not None and language is not None and voices()[self.voice].language != language:
            raise ValueError(
                f"the voice {self.voice} speaks {voices()[self.voice].language}, not {language}; leave one of them out"
            )

    def check_drawable(self) -> None:
        """Check that the fonts of burned-in subtitles have all characters of the script. Raises ``ValueError``."""
        missing = missing_characters(self.script)
        if missing:
            raise ValueError(cannot_burn_message(missing))

    def with_voice(self, language: str | None, context: str) -> Self:
        """Return a copy that names the voice that reads the script.

        The language of a script that is too short to tell is that of ``context``, the scripts around it. Raises
        ``DarkroomError`` (``invalid_request``) if the voice does not read its letters.
        """
        if not self.script:
            return self
        voice = voices()[self.voice] if self.voice is not None else automatic_voice(self.script, language, context)
        check_letters(self.script, voice)
        return self.model_copy(update={"voice": voice.name})
