"""Errors for scripts that cannot be spoken, worded so that the author can fix them."""

from collections.abc import Iterable

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.languages import check_letters
from darkroom.contract.video_params import MAX_VOICE_SECONDS
from darkroom.contract.voices import Voice
from pipeline.speech.word_timing import SpeechMark
from pipeline.speech.words import is_pronounceable


def check_script(script: str, voice: Voice) -> None:
    """Raise ``DarkroomError`` (``invalid_request``) for a script of punctuation alone, or mostly in foreign letters."""
    if not is_pronounceable(script):
        raise nothing_to_say_error(voice)
    check_letters(script, voice)


def nothing_to_say_error(voice: Voice) -> DarkroomError:
    """Return the error for a script without anything to pronounce."""
    return DarkroomError(
        ErrorCode.INVALID_REQUEST,
        f"There is nothing in the script that the voice {voice.name} could say. Write words in {voice.language}.",
    )


def script_too_long_error(marks: Iterable[SpeechMark]) -> DarkroomError:
    """Return the error for a script longer than ``MAX_VOICE_SECONDS``; ``marks`` tell how much of it was said."""
    spoken = max((mark.index for mark in marks if mark.seconds <= MAX_VOICE_SECONDS), default=0)
    return DarkroomError(
        ErrorCode.TOO_LONG,
        f"The script takes longer than {MAX_VOICE_SECONDS // 60} minutes to say. "
        f"Shorten it to about {max(spoken // 50 * 50, 50):,} characters.",
    )
