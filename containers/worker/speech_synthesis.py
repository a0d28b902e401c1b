"""Factory of the speech synthesiser: espeak-ng, or Amazon Polly."""

import logging

from cloud import clients
from containers.worker.settings import Settings
from darkroom.contract.errors import DarkroomError
from pipeline.speech.types import SpeechSynthesiser

logger = logging.getLogger(__name__)


def create_speaker(settings: Settings) -> SpeechSynthesiser | None:
    """Create the synthesiser that the settings name. If unavailable, log why and return None.

    Jobs that need speech then fail with an error of their own.
    """
    try:
        from pipeline.speech.espeak import EspeakSynthesiser  # noqa: PLC0415 - pictures are made without ffmpeg as well

        chosen: SpeechSynthesiser = EspeakSynthesiser()
        if settings.speech == "polly":
            from containers.worker.polly import PollySpeaker  # noqa: PLC0415

            chosen = PollySpeaker(clients.polly(), fallback=chosen)
        logger.info("speech synthesiser: %s", chosen.about)
    except (ImportError, OSError, DarkroomError):
        logger.exception("speech synthesis is not available")
        return None
    return chosen
