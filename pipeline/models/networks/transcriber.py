"""Whisper speech recognition (Radford et al. 2022) through faster-whisper, on CTranslate2."""

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.languages import UNDETERMINED
from pipeline.core.out_of_memory import is_out_of_memory
from pipeline.models.interfaces import WINDOW_SECONDS
from pipeline.models.offload.cuda_libraries import CTRANSLATE2, preload
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import CTranslate2Network
from pipeline.speech.segmentation import mark_unspaced_word
from pipeline.speech.types import SAMPLE_RATE, Samples, Transcript, Word
from pipeline.weights.store import Weights

logger = logging.getLogger(__name__)

WHISPER_RATE = 16_000  # samples per second of Whisper's input
BLOCK = SAMPLE_RATE  # samples that are resampled at a time
TRIAL_FRAMES = 2  # of a spectrogram: 20 milliseconds


class WhisperTranscriber(CTranslate2Network):
    """Implements ``Transcriber`` with Whisper, in windows of ``WINDOW_SECONDS``. Deterministic.

    Silence is skipped (Silero VAD), as Whisper hallucinates words in it.
    """

    def __init__(self, placement: Placement, model: Any, files: Iterable[Path]) -> None:
        super().__init__(placement, model.model, tuple(files))
        self._whisper = model

    def transcribe(
        self,
        samples: Samples,
        language: str | None,
        report: Callable[[float], None],
        window_seconds: int = WINDOW_SECONDS,
    ) -> Transcript:
        """Transcribe mono float32 in [-1, 1] at ``SAMPLE_RATE``: see ``Transcriber``."""
        seconds = len(samples) / SAMPLE_RATE
        if not len(samples):
            return Transcript((), language or UNDETERMINED)
        report(0.0)
        whisper_language = _whisper_language(language, self._whisper.supported_languages)
        segments, info = self._whisper.transcribe(
            _resampled(samples),
            language=whisper_language,
            word_timestamps=True,
            vad_filter=True,
            chunk_length=window_seconds,
            # Greedy decoding, as sampling gives other words each time. No conditioning on the previous window, as that
            # repeats recognition errors.
            temperature=0.0,
            condition_on_previous_text=False,
        )
        recognised: list[Any] = []
        done = 0.0
        # Segments are computed lazily, as the loop asks for them.
        for segment in segments:
            recognised += segment.words or ()
            done = min(max(float(segment.end) / seconds, done), 1.0)
            report(done)
        return Transcript(words_of(recognised, seconds), language or info.language)


def words_of(recognised: Iterable[Any], seconds: float) -> tuple[Word, ...]:
    """Convert faster-whisper's words: stripped, in order, without overlaps, within [0, ``seconds``].

    A word of Thai and its like, which follows another one without a space, begins with a zero-width space.
    """
    words: list[Word] = []
    last = 0.0
    for each in recognised:
        if text := each.word.strip():
            if words and not each.word[0].isspace():
                text = mark_unspaced_word(words[-1].text, text)
            start = min(max(float(each.start), last), seconds)
            last = min(max(float(each.end), start), seconds)
            words.append(Word(text, start, last))
    return tuple(words)


def load(weights: Mapping[str, Weights], placement: Placement) -> WhisperTranscriber:
    """Load the role ``transcriber``: in float16 on a GPU, in int8 on a CPU.

    Raises ``DarkroomError`` (``engine_unavailable``) if the files are no Whisper model, or if it cannot compute here:
    some libraries of CUDA are opened by the first computation, so there is a tiny one.
    """
    model_weights = weights["transcriber"]
    cuda = placement.device.type == "cuda"
    if cuda:
        preload(CTRANSLATE2)
    try:
        model = WhisperModel(
            str(model_weights.folder),
            device=placement.device.type,
            device_index=placement.device.index or 0,
            compute_type="float16" if cuda else "int8",
            local_files_only=True,
        )
    # A broken tokenizer.json raises a bare Exception.
    except Exception as error:
        if is_out_of_memory(error):
            raise
        logger.exception("%s could not be loaded", model_weights.model.id)
        raise DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            f"{model_weights.model.id} was not loaded: its files are no Whisper of CTranslate2. "
            f"`darkroom models fetch {model_weights.model.id}` gets them anew.",
        ) from error
    try:
        model.encode(np.zeros((model.model.n_mels, TRIAL_FRAMES), np.float32))
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        logger.exception("%s cannot compute", model_weights.model.id)
        raise DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            f"{model_weights.model.id} was not loaded: CTranslate2 cannot compute on {placement.device} ({error}). "
            "The libraries that it needs are in requirements-container.lock.",
        ) from error
    return WhisperTranscriber(placement, model, (model_weights.folder / file for file in model_weights.model.files))


def _whisper_language(language: str | None, supported: Iterable[str]) -> str | None:
    """Return Whisper's name of a BCP 47 tag's language; None, which means detection, if it does not know it."""
    primary = (language or "").split("-")[0]
    return primary if primary in supported else None


def _resampled(samples: Samples) -> NDArray[np.float32]:
    """Resample to ``WHISPER_RATE``, a block at a time."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=WHISPER_RATE)
    parts: list[NDArray[np.float32]] = []
    for start in range(0, len(samples), BLOCK):
        block = np.ascontiguousarray(samples[None, start : start + BLOCK], np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="flt", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        parts += [each.to_ndarray()[0] for each in resampler.resample(frame)]
    parts += [each.to_ndarray()[0] for each in resampler.resample(None)]
    return np.concatenate(parts).astype(np.float32, copy=False)
