"""espeak-ng synthesiser: every voice speaks, deterministically, with accurate word times."""

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.voices import Voice, voices
from pipeline.speech.audio import PEAK
from pipeline.speech.espeak import EspeakSynthesiser
from pipeline.speech.types import SAMPLE_RATE, Speech

SCRIPTS = {
    "ar": "مرحبا بالعالم، كيف حالك؟",
    "he": "שלום עולם, מה שלומך?",
    "ja": "こんにちは。さんぽに、いきましょう！",
    "ko": "안녕하세요, 세계. 오늘 날씨가 좋네요.",
    "ru": "Привет, мир! Как дела сегодня?",
    "zh": "你好，世界。今天天气很好！",
}
ENGLISH = "Welcome to our workshop by the sea. Today — really — a “boat” costs €12.50, isn't that cheap?"
JOANNA = voices()["joanna"]

SPEAKER = EspeakSynthesiser()


def say(script: str, voice: Voice = JOANNA) -> Speech:
    return SPEAKER.synthesise(script, voice)


def script_of(voice: Voice) -> str:
    return SCRIPTS.get(voice.language[:2], ENGLISH)


def loudness(speech: Speech, start: float, end: float) -> float:
    part = speech.samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
    return float(np.sqrt(np.mean(part**2)))


@pytest.mark.parametrize("voice", voices().values(), ids=voices())
def test_every_voice_has_the_same_level_and_ends_in_silence(voice: Voice) -> None:
    speech = say(script_of(voice), voice)
    assert speech.samples.dtype == np.float32
    assert 1 < speech.seconds < 15
    assert np.abs(speech.samples).max() == pytest.approx(PEAK, rel=1e-3)
    assert np.abs(speech.samples[-SAMPLE_RATE // 20 :]).max() < 0.005


@pytest.mark.parametrize("voice", voices().values(), ids=voices())
def test_words_come_in_order_and_none_is_lost(voice: Voice) -> None:
    script = script_of(voice)
    speech = say(script, voice)
    assert "".join(word.text for word in speech.words).replace(" ", "") == script.replace(" ", "")
    assert all(0 <= word.start < word.end <= speech.seconds for word in speech.words)
    assert all(one.end <= two.start for one, two in pairwise(speech.words))


def test_words_cover_the_voice_and_not_the_pauses() -> None:
    speech = say("One. Two. Three.")
    assert [word.text for word in speech.words] == ["One.", "Two.", "Three."]
    for word in speech.words:
        assert loudness(speech, word.start, word.end) > 0.05
        assert loudness(speech, word.start, word.start + 0.15) > 0.01
    for one, two in pairwise(speech.words):
        assert two.start - one.end > 0.15
        assert loudness(speech, one.end, two.start) < 0.01


def test_equal_scripts_give_equal_samples() -> None:
    first = say(ENGLISH)
    for voice in voices().values():
        say(script_of(voice)[:8], voice)
    assert np.array_equal(say(ENGLISH).samples, first.samples)
    assert say(ENGLISH).words == first.words


def test_several_threads_may_synthesise_at_once() -> None:
    some = list(voices().values())[:6]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda voice: say(script_of(voice), voice).samples, some))
    for voice, samples in zip(some, together, strict=True):
        assert np.array_equal(samples, say(script_of(voice), voice).samples)


def test_voices_of_a_language_differ() -> None:
    assert not np.array_equal(say(ENGLISH, voices()["joanna"]).samples, say(ENGLISH, voices()["matthew"]).samples)
    assert not np.array_equal(say(ENGLISH, voices()["joanna"]).samples, say(ENGLISH, voices()["amy"]).samples)


@pytest.mark.parametrize("markup", ["[[h@l'oU]]", "<speak>hello</speak>", "<break time='9s'/>", "a\x0150Pb"])
def test_markup_is_read_out_as_text(markup: str) -> None:
    alone, inside = say("Hello there."), say(f"{markup} Hello there.")
    assert inside.seconds > alone.seconds + 0.2
    assert inside.seconds < 9
    assert np.array_equal(say("Hello there.").samples, alone.samples)


def test_synthesis_reports_progress_and_can_be_stopped() -> None:
    fractions: list[float] = []
    SPEAKER.synthesise(ENGLISH * 5, JOANNA, fractions.append)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert len(fractions) > 10

    def stop(fraction: float) -> None:
        if fraction > 0.3:
            raise KeyboardInterrupt

    before = set(psutil.Process().children())
    with pytest.raises(KeyboardInterrupt):
        SPEAKER.synthesise(ENGLISH * 5, JOANNA, stop)
    assert set(psutil.Process().children()) <= before
    assert say("Hello there.").seconds > 0.5


def test_a_too_long_script_is_rejected_with_the_length_that_fits() -> None:
    script = "1,234,567. " * 200
    with pytest.raises(DarkroomError, match="5 minutes") as failure:
        say(script)
    assert failure.value.detail.code is ErrorCode.TOO_LONG
    fitting = int(failure.value.detail.message.split("about ")[1].split()[0].replace(",", ""))
    assert 270 < say(script[:fitting]).seconds <= 300


@pytest.mark.parametrize(
    ("voice", "script", "hint"),
    [
        ("joanna", "... — !?", "Write words in en-US"),
        ("joanna", "Привет, мир!", "Choose that language"),
        ("zhiyu", "こんにちは", "Choose that language"),
        ("takumi", "今日はとてもいいてんきです", "hiragana"),
    ],
)
def test_an_unpronounceable_script_is_rejected_with_a_remedy(voice: str, script: str, hint: str) -> None:
    with pytest.raises(DarkroomError, match=hint) as failure:
        say(script, voices()[voice])
    assert failure.value.detail.code is ErrorCode.INVALID_REQUEST


def test_a_foreign_word_in_a_script_is_accepted() -> None:
    assert say("The Russian word for peace is мир, they say.").seconds > 2


def test_without_its_wheel_it_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def error_of() -> str:
        with pytest.raises(DarkroomError) as failure:
            say("Hello.")
        assert failure.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE
        return failure.value.detail.message

    (tmp_path / "library.so").write_text("not a library")
    paths = SimpleNamespace(get_library_path=lambda: str(tmp_path / "library.so"), get_data_path=lambda: str(tmp_path))
    monkeypatch.setitem(sys.modules, "espeakng_loader", paths)
    assert "voice_track" in error_of()
    with pytest.raises(DarkroomError, match="cannot be loaded"):
        _ = SPEAKER.about
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    assert "espeakng_loader" in error_of()
    monkeypatch.undo()
    with pytest.raises(DarkroomError, match="no voice xx"):
        say("Hello.", JOANNA.model_copy(update={"espeak": "xx+f3"}))


def test_its_name_contains_the_version() -> None:
    name, version = SPEAKER.about.split()
    assert name == "espeak-ng"
    assert version[0].isdigit()
