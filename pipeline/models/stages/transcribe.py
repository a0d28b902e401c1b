"""Transcription stage: transcribes recorded voices by a network."""

from pipeline.core.stages import Slot, StageContext
from pipeline.models.network_registry import TRANSCRIBER
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

    ``language`` is a BCP 47 tag; None detects it.
    """
    with context.use_networks(TRANSCRIBER) as networks:
        transcript = networks[TRANSCRIBER].transcribe(samples, language, context.report)
    if transcript.words:
        context.notes.append("The subtitles were written by a network that listened to the voice, and may be wrong.")
    else:
        context.notes.append(NOT_UNDERSTOOD)
    return transcript
