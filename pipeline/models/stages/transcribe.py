"""What recorded voices say, by a network."""

from pipeline.core.stages import Slot, Work
from pipeline.models.network_registry import TRANSCRIBER
from pipeline.speech.types import Samples, Transcript
from pipeline.video.talking_portrait import Transcribe

NOT_UNDERSTOOD = "Nothing that the recorded voice says was understood: there are no subtitles of it."


class TranscribeByNetwork(Transcribe):
    """Find out when each word is said, and what nobody wrote down."""

    slot = Slot.COMPUTE
    networks = (TRANSCRIBER,)

    def hear(self, work: Work, samples: Samples, language: str | None) -> Transcript:
        """What is said in mono float32 in [-1, 1] at ``RATE``; ``language`` None: found out."""
        return transcribed(work, samples, language)


def transcribed(work: Work, samples: Samples, language: str | None) -> Transcript:
    """What is said in mono float32 in [-1, 1] at ``RATE``; a note says when nothing was understood.

    ``language`` is a BCP 47 tag; None: found out.
    """
    with work.use(TRANSCRIBER) as held:
        transcript = held[TRANSCRIBER].transcribe(samples, language, work.report)
    if transcript.words:
        work.notes.append("The subtitles were written by a network that listened to the voice, and may be wrong.")
    else:
        work.notes.append(NOT_UNDERSTOOD)
    return transcript
