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

    def transcribe_recording(self, work: StageContext, samples: Samples, language: str | None) -> Transcript:
        """Transcribe mono float32 in [-1, 1] at ``SAMPLE_RATE``; a ``language`` of None is detected."""
        return transcribe_with_note(work, samples, language)


def transcribe_with_note(work: StageContext, samples: Samples, language: str | None) -> Transcript:
    """Transcribe mono float32 in [-1, 1] at ``SAMPLE_RATE``, and add a note on the transcript's quality.

    ``language`` is a BCP 47 tag; None detects it.
    """
    with work.use_networks(TRANSCRIBER) as held:
        transcript = held[TRANSCRIBER].transcribe(samples, language, work.report)
    if transcript.words:
        work.notes.append("The subtitles were written by a network that listened to the voice, and may be wrong.")
    else:
        work.notes.append(NOT_UNDERSTOOD)
    return transcript
