"""Transcription by a tiny Whisper with random weights: its words are meaningless, but they are timed."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.stages import JobAbandoned
from pipeline.models.network_registry import TRANSCRIBER
from pipeline.models.networks import transcriber
from pipeline.models.networks.transcriber import WhisperTranscriber, words_of
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.speech.types import SAMPLE_RATE, Word
from pipeline.weights.catalog import catalog
from pipeline.weights.store import WeightStore

SECONDS = 3


@pytest.fixture(scope="module")
def models(tiny_weights: Path) -> ModelManager:
    return ModelManager(WeightStore(tiny_weights), Placement.for_device("cpu"))


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    """Return a modulated hum, which Silero VAD detects as voice."""
    at = np.arange(SECONDS * SAMPLE_RATE)
    return (0.7 * np.sin(at / 30) * np.sin(at / 9000)).astype(np.float32)


def recognised_word(text: str, start: float, end: float) -> SimpleNamespace:
    return SimpleNamespace(word=text, start=np.float64(start), end=np.float64(end))


class FakeWhisper:
    """Fake of ``faster_whisper.WhisperModel``: yields the given segments lazily."""

    supported_languages = ("en", "es", "zh")

    def __init__(self, *segments: SimpleNamespace) -> None:
        self.model = SimpleNamespace(model_is_loaded=True, unload_model=lambda **_kwargs: None)
        self.requests: list[tuple[str | None, int]] = []
        self.yielded = 0
        self._segments = segments

    def transcribe(
        self, samples: np.ndarray, *, language: str | None, **_options: object
    ) -> tuple[object, SimpleNamespace]:
        assert samples.dtype == np.float32
        self.requests.append((language, len(samples)))

        def segments() -> object:
            for segment in self._segments:
                self.yielded += 1
                yield segment

        return segments(), SimpleNamespace(language=language or "fr")


def transcriber_of(whisper: FakeWhisper) -> WhisperTranscriber:
    return WhisperTranscriber(Placement.for_device("cpu"), whisper, [])


def segment(end: float, *words: SimpleNamespace) -> SimpleNamespace:
    return SimpleNamespace(end=np.float64(end), words=list(words))


@pytest.mark.parametrize("language", ["en-US", None])
def test_words_have_times_within_the_voice(models: ModelManager, voice: np.ndarray, language: str | None) -> None:
    fractions: list[float] = []
    with models.use(TRANSCRIBER) as networks:
        transcript = networks[TRANSCRIBER].transcribe(voice, language, fractions.append)
        again = networks[TRANSCRIBER].transcribe(voice, language, lambda _fraction: None)
    assert transcript == again
    words = transcript.words
    assert words
    assert transcript.language == (language or "en")
    times = [time for word in words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= SECONDS
    assert fractions == sorted(fractions)
    assert all(type(value) is float for value in (*times, *fractions))


def test_silence_has_no_words(models: ModelManager) -> None:
    with models.use(TRANSCRIBER) as networks:
        assert (
            networks[TRANSCRIBER].transcribe(np.zeros(SAMPLE_RATE, np.float32), "en-US", lambda _fraction: None).words
            == ()
        )
        assert networks[TRANSCRIBER].transcribe(np.zeros(0, np.float32), "en-US", lambda _fraction: None).words == ()


def test_words_are_stripped() -> None:
    whisper = FakeWhisper(
        segment(1.2, recognised_word(" Good", 0.1, 0.4), recognised_word(" morning,", 0.4, 1.2)),
        segment(2.0, recognised_word(" all.", 1.5, 2.0)),
    )
    fractions: list[float] = []
    transcript = transcriber_of(whisper).transcribe(np.zeros(2 * SAMPLE_RATE, np.float32), "es-ES", fractions.append)
    assert transcript.words == (Word("Good", 0.1, 0.4), Word("morning,", 0.4, 1.2), Word("all.", 1.5, 2.0))
    assert fractions == [0.0, 0.6, 1.0]
    assert whisper.requests == [("es", 32_000)]


def test_words_of_a_script_without_spaces_are_marked_by_zero_width_spaces() -> None:
    recognised = [recognised_word(" บ้าน", 0, 1), recognised_word("หลังนี้", 1, 2), recognised_word(" สวย", 2, 3)]
    assert [word.text for word in words_of(recognised, 3)] == ["บ้าน", "\u200bหลังนี้", "สวย"]


@pytest.mark.parametrize(
    ("given", "requests"), [("zh-CN", "zh"), ("en", "en"), (None, None), ("tlh", None), ("xx-YY", None)]
)
def test_an_unknown_language_is_detected(given: str | None, requests: str | None) -> None:
    whisper = FakeWhisper()
    transcript = transcriber_of(whisper).transcribe(np.zeros(SAMPLE_RATE, np.float32), given, lambda _fraction: None)
    assert whisper.requests == [(requests, 16_000)]
    assert transcript.language == (given or "fr")


def test_a_stopped_job_transcribes_no_further_segment() -> None:
    whisper = FakeWhisper(segment(1.0), segment(2.0), segment(3.0))

    def stop(fraction: float) -> None:
        if fraction:
            raise JobAbandoned

    with pytest.raises(JobAbandoned):
        transcriber_of(whisper).transcribe(np.zeros(3 * SAMPLE_RATE, np.float32), "en", stop)
    assert whisper.yielded == 1


@given(
    st.lists(st.tuples(st.sampled_from(["a", " b ", " ", ""]), st.floats(-5, 50), st.floats(-5, 50))),
    st.floats(0, 40),
)
def test_word_times_are_ordered_and_within_the_recording(
    given_words: list[tuple[str, float, float]], seconds: float
) -> None:
    words = words_of([recognised_word(*each) for each in given_words], seconds)
    times = [time for word in words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert all(0 <= time <= seconds for time in times)
    assert [word.text for word in words] == [text.strip() for text, _, _ in given_words if text.strip()]


def test_resampling_to_whispers_rate_keeps_pitch_and_loudness() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE + 7) / SAMPLE_RATE).astype(np.float32)
    yielded = transcriber._resampled(tone)
    assert abs(len(yielded) - len(tone) / 3) <= 1
    spectrum = np.abs(np.fft.rfft(yielded[:16_000]))
    assert np.argmax(spectrum) == 440
    assert np.abs(yielded[1000:-1000]).max() == pytest.approx(1, abs=0.02)


def test_files_that_are_no_whisper_model_are_rejected_in_one_line(tmp_path: Path) -> None:
    weight_store, model = WeightStore(tmp_path), catalog()["whisper-small"]
    (tmp_path / model.id).mkdir()
    for file in model.files:
        (tmp_path / model.id / file).write_bytes(b"{}")
    weight_store.record(model, "random")
    with (
        pytest.raises(DarkroomError) as raised,
        ModelManager(weight_store, Placement.for_device("cpu")).use(TRANSCRIBER),
    ):
        pass
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE
    assert "whisper-small was not loaded" in raised.value.detail.message


def test_a_runtime_that_cannot_compute_is_refused_when_it_is_loaded(
    tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As CTranslate2 does on a GPU without its version of cuBLAS, at its first computation."""

    def encode(_self: object, _features: object) -> None:
        raise RuntimeError("Library libcublas.so.12 is not found or cannot be loaded")

    monkeypatch.setattr(transcriber.WhisperModel, "encode", encode)
    with (
        pytest.raises(DarkroomError, match=r"whisper-small was not loaded: .*libcublas\.so\.12") as raised,
        ModelManager(WeightStore(tiny_weights), Placement.for_device("cpu")).use(TRANSCRIBER),
    ):
        pass
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE


def test_the_libraries_of_a_gpu_are_preloaded(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preloaded: list[object] = []

    def make(*_: object, **__: object) -> object:
        raise RuntimeError(f"preloaded {preloaded}")

    monkeypatch.setattr(transcriber, "preload", preloaded.append)
    monkeypatch.setattr(transcriber, "WhisperModel", make)
    weights = {"transcriber": WeightStore(tiny_weights).open(catalog()["whisper-small"])}
    with pytest.raises(DarkroomError):
        transcriber.load(weights, Placement(torch.device("cuda"), torch.float16, torch.channels_last))
    assert preloaded == [("libcublasLt.so.12", "libcublas.so.12")]
