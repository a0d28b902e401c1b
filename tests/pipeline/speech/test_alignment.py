"""Forced alignment of a known script: all words, in order, within the recording, near their true times."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.contract.voices import voices
from pipeline.speech.alignment import align_words
from pipeline.speech.audio import detect_voice
from pipeline.speech.espeak import EspeakSynthesiser
from pipeline.speech.types import SAMPLE_RATE, Samples, Speech, Word
from pipeline.speech.words import split_words

THREE_SENTENCES = (
    "Welcome to our little workshop by the sea. Today, I will show you how a boat is built, from the first plank to "
    "the last coat of paint. Bring a warm jacket, because the wind never rests here!"
)
SCRIPTS = {
    "joanna": THREE_SENTENCES,
    "brian": THREE_SENTENCES,
    "vicki": "Willkommen in unserer Werkstatt am Meer. Heute zeige ich Ihnen, wie ein Boot gebaut wird, von der ersten "
    "Planke bis zum letzten Anstrich. Bringen Sie eine warme Jacke mit!",
    "zhiyu": "欢迎来到我们的海边工作室。今天，我会告诉你怎样造一条船，从第一块木板到最后一层油漆。请带上外套！",
    "seoyeon": "바닷가에 있는 우리 작은 공방에 오신 것을 환영합니다. 오늘은 배를 만듭니다. 따뜻한 옷을 가져오세요!",
}


def spoken(name: str) -> Speech:
    return EspeakSynthesiser().synthesise(SCRIPTS[name], voices()[name])


def late(words: tuple[Word, ...], truth: tuple[Word, ...]) -> float:
    assert [word.text for word in words] == [word.text for word in truth]
    return float(np.median([abs(one.start - two.start) for one, two in zip(words, truth, strict=True)]))


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("name", SCRIPTS)
def test_words_are_near_their_true_times(name: str, noise: float) -> None:
    speech = spoken(name)
    noisy = speech.samples + np.random.default_rng(1).normal(0, noise, len(speech.samples)).astype(np.float32)
    assert late(align_words(SCRIPTS[name], noisy, voices()[name].language), speech.words) < 0.2


def test_silence_between_sentences_shifts_the_words() -> None:
    speech = spoken("joanna")
    cut = round((speech.words[7].end + speech.words[8].start) / 2 * SAMPLE_RATE)
    silence = np.zeros(3 * SAMPLE_RATE, np.float32)
    samples = np.concatenate((silence, speech.samples[:cut], silence, speech.samples[cut:], silence))
    truth = tuple(
        Word(word.text, word.start + shift, word.end + shift)
        for index, word in enumerate(speech.words)
        for shift in [3 if index < 8 else 6]
    )
    assert late(align_words(THREE_SENTENCES, samples, "en-US"), truth) < 0.2


def test_pauses_are_placed_within_thai_which_has_no_spaces_between_words() -> None:
    tone = np.sin(np.arange(SAMPLE_RATE) / 30).astype(np.float32)
    pause = np.zeros(SAMPLE_RATE // 2, np.float32)
    words = align_words("สวัสดีครับวันนี้เราจะไปดูบ้านหลังใหม่", np.concatenate((tone, pause, tone, pause, tone)), "th")
    assert "".join(word.text.strip("\u200b") for word in words) == "สวัสดีครับวันนี้เราจะไปดูบ้านหลังใหม่"
    assert words[0].start < 0.1
    assert max(word.end - word.start for word in words) < 1
    assert {int(word.start / 1.5) for word in words} == {0, 1, 2}  # some in every part


def test_pauses_are_placed_after_punctuation() -> None:
    speech = spoken("joanna")
    words = align_words(THREE_SENTENCES, speech.samples, "en-US")
    rests = [one.text for one, two in pairwise(words) if two.start - one.end > 0.2]
    assert rests == ["sea.", "paint."]


def test_no_word_spans_a_pause() -> None:
    speech = spoken("brian")
    parts = detect_voice(speech.samples, max_pause=0.15)
    for word in align_words(THREE_SENTENCES, speech.samples, "en-US"):
        assert any(start - 1e-6 <= word.start and word.end <= end + 1e-6 for start, end in parts)


@st.composite
def recordings(draw: st.DrawFn) -> Samples:
    """Bursts of noise and silences of up to a second each."""
    parts = draw(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.0, 0.001, 0.1, 0.5])), max_size=12))
    random = np.random.default_rng(draw(st.integers(0, 9)))
    blocks = [random.normal(0, amplitude, round(seconds * SAMPLE_RATE)) for seconds, amplitude in parts]
    return np.concatenate([*blocks, np.zeros(0)]).astype(np.float32)


@given(
    st.lists(st.sampled_from(["a", "boat,", "is", "built.", "Today", "…", "extraordinarily", "12.5"]), max_size=120),
    recordings(),
)
def test_all_words_are_in_order_within_the_recording(texts: list[str], samples: Samples) -> None:
    script = " ".join(texts)
    words = align_words(script, samples, "en-US")
    assert [word.text for word in words] == split_words(script, "en-US")
    assert all(0 <= word.start <= word.end <= len(samples) / SAMPLE_RATE for word in words)
    assert all(one.end <= two.start for one, two in pairwise(words))
    if len(samples) > SAMPLE_RATE:
        assert all(word.start < word.end for word in words)


def test_a_five_minute_recording_of_five_thousand_characters_is_aligned() -> None:
    random = np.random.default_rng(2)
    samples = (
        random.normal(0, 0.2, 300 * SAMPLE_RATE) * (np.sin(np.arange(300 * SAMPLE_RATE) / SAMPLE_RATE * 4) > -0.7)
    ).astype(np.float32)
    words = align_words("今天我会告诉你怎样造一条船，" * 357, samples, "zh-CN")
    assert len(words) == 357 * 13
    assert words[-1].end > 295
