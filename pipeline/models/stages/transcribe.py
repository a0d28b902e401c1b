"""Transcription stage: transcribes recorded voices by a network."""

from darkroom.contract.results import SHORT_WINDOWS_NOTE
from pipeline.core.stages import Slot, StageContext
from pipeline.models.interfaces import WINDOW_SECONDS
from pipeline.models.network_registry import TRANSCRIBER
from pipeline.models.stages.half_size_retry import retry_at_half_size
from pipeline.speech.types import Samples, Transcript
from pipeline.video.talking_portrait import Transcribe

NOT_UNDERSTOOD = "Nothing that the recorded voice says was understood: there are no subtitles of it."


class TranscribeByNetwork(Transcribe):
    """Time the words of the speech, and transcribe recordings without a script."""

    slot = Slot.COMPUTE
    networks = (TRANSCRIBER,)

    def transcribe_recording(self, context: StageContext, samples: Samples, language: str | None) -> Transcript:
        """Transcribe mono float32 in [-1, 1] at ``SAMPLE_RATE``; a ``language`` of None is detected."""
        return transcribe_with_note(context, samples, language)


def transcribe_with_note(context: StageContext, samples: Samples, language: str | None) -> Transcript:
    """Transcribe mono float32 in [-1, 1] at ``SAMPLE_RATE``, and add a note on the transcript's quality.

    ``language`` is a BCP 47 tag; None detects it. After running out of memory, the voice is listened to in windows of
    half the length. Raises ``DarkroomError`` (``out_of_memory``) if they are too long, too.
    """

    def transcribe(window_seconds: int) -> Transcript:
        with context.use_networks(TRANSCRIBER) as networks:
            return networks[TRANSCRIBER].transcribe(samples, language, context.report, window_seconds)

    transcript = retry_at_half_size(
        context,
        TranscribeByNetwork.name,
        transcribe,
        WINDOW_SECONDS,
        lambda: WINDOW_SECONDS // 2,
        note=SHORT_WINDOWS_NOTE,
    )
    if transcript.words:
        context.notes.append("The subtitles were written by a network that listened to the voice, and may be wrong.")
    else:
        context.notes.append(NOT_UNDERSTOOD)
    return transcript
