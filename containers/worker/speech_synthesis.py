"""Who says scripts here."""

import logging

from cloud import clients
from containers.worker.settings import Settings
from darkroom.contract.errors import DarkroomError
from pipeline.speech.types import SpeechSynthesiser

logger = logging.getLogger(__name__)


def create_speaker(settings: Settings) -> SpeechSynthesiser | None:
    """Who the settings name; None, and a line in the log, where it cannot be had: the jobs that need it will say so."""
    try:
        from pipeline.speech.espeak import EspeakSynthesiser  # noqa: PLC0415 - pictures are made without ffmpeg as well

        chosen: SpeechSynthesiser = EspeakSynthesiser()
        if settings.speech == "polly":
            from containers.worker.polly import PollySpeaker  # noqa: PLC0415

            chosen = PollySpeaker(clients.polly(), fallback=chosen)
        logger.info("scripts are said by %s", chosen.about)
    except (ImportError, OSError, DarkroomError):
        logger.exception("scripts cannot be said here")
        return None
    return chosen
