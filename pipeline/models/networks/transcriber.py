"""Whisper (Radford et al. 2022) through faster-whisper, on CTranslate2."""

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import CTranslate2Network
from pipeline.speech.types import SAMPLE_RATE, Samples, Transcript, Word
from pipeline.weights.store import Weights

logger = logging.getLogger(__name__)

UNDETERMINED = "und"  # in BCP 47
WHISPER_RATE = 16_000  # what Whisper listens to
BLOCK = SAMPLE_RATE  # samples that are resampled at a time


class WhisperTranscriber(CTranslate2Network):
    """Hears in windows of half a minute; what is silent is passed over, lest words are made up for it (Silero VAD).

    The same voice gives the same words.
    """

    def __init__(self, placement: Placement, model: Any, files: Iterable[Path]) -> None:
        super().__init__(placement, model.model, tuple(files))
        self._whisper = model

    def transcribe(self, samples: Samples, language: str | None, report: Callable[[float], None]) -> Transcript:
        """What mono float32 in [-1, 1] at ``SAMPLE_RATE``, says, as ``Transcriber`` has it."""
        seconds = len(samples) / SAMPLE_RATE
        if not len(samples):
            return Transcript((), language or UNDETERMINED)
        report(0.0)
        spoken = _spoken(language, self._whisper.supported_languages)
        segments, about = self._whisper.transcribe(
            _resampled(samples),
            language=spoken,
            word_timestamps=True,
            vad_filter=True,
            # By the likeliest words alone, and by none of the window before: chance would write others each time, and
            # what was misheard once would be repeated.
            temperature=0.0,
            condition_on_previous_text=False,
        )
        heard: list[Any] = []
        done = 0.0
        # Nothing is computed before it is asked for.
        for segment in segments:
            heard += segment.words or ()
            done = min(max(float(segment.end) / seconds, done), 1.0)
            report(done)
        return Transcript(words_of(heard, seconds), language or about.language)


def words_of(heard: Iterable[Any], seconds: float) -> tuple[Word, ...]:
    """faster-whisper's words as ours: without white space around them, each within [0, ``seconds``] after the last."""
    words: list[Word] = []
    last = 0.0
    for each in heard:
        if text := each.word.strip():
            start = min(max(float(each.start), last), seconds)
            last = min(max(float(each.end), start), seconds)
            words.append(Word(text, start, last))
    return tuple(words)


def load(weights: Mapping[str, Weights], placement: Placement) -> WhisperTranscriber:
    """From the role ``transcriber``: in half precision on a GPU, in whole numbers of eight bits on a CPU.

    Raises ``DarkroomError`` (``engine_unavailable``) for files that are no Whisper.
    """
    given = weights["transcriber"]
    cuda = placement.device.type == "cuda"
    try:
        model = WhisperModel(
            str(given.folder),
            device=placement.device.type,
            device_index=placement.device.index or 0,
            compute_type="float16" if cuda else "int8",
            local_files_only=True,
        )
    # A bare Exception is what a broken tokenizer.json raises.
    except Exception as error:
        logger.exception("%s could not be loaded", given.model.id)
        raise DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            f"{given.model.id} was not loaded: its files are no Whisper of CTranslate2. "
            f"`darkroom models fetch {given.model.id}` gets them anew.",
        ) from error
    return WhisperTranscriber(placement, model, (given.folder / file for file in given.model.files))


def _spoken(language: str | None, known: Iterable[str]) -> str | None:
    """Whisper's name of a BCP 47 tag's language; None, to be found out, for one that it does not know."""
    primary = (language or "").split("-")[0]
    return primary if primary in known else None


def _resampled(samples: Samples) -> NDArray[np.float32]:
    """At ``WHISPER_RATE``, a block at a time."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=WHISPER_RATE)
    parts: list[NDArray[np.float32]] = []
    for start in range(0, len(samples), BLOCK):
        block = np.ascontiguousarray(samples[None, start : start + BLOCK], np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="flt", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        parts += [each.to_ndarray()[0] for each in resampler.resample(frame)]
    parts += [each.to_ndarray()[0] for each in resampler.resample(None)]
    return np.concatenate(parts).astype(np.float32, copy=False)
