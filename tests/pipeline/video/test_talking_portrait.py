"""Shared stages of ``render_video`` around the animation: speech synthesis and word timing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.contract.avatars import avatars
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.video_params import MAX_VOICE_SECONDS, RenderVideoParams, Subtitles
from darkroom.contract.voices import Voice, voice_for
from pipeline.core.stages import Stage, StageContext
from pipeline.speech.types import SAMPLE_RATE, Samples, Speech, SpeechSynthesiser, Transcript, Word
from pipeline.video import FPS
from pipeline.video.talking_portrait import (
    CUES,
    LEAD_FRAMES,
    PORTRAIT,
    RECORDED_VOICE,
    SPEECH,
    TAIL_FRAMES,
    TRANSCRIPT,
    BuildSubtitles,
    LoadAvatar,
    SynthesiseSpeech,
    Transcribe,
    frame_count,
    padded_with_silence,
)

AVATAR = avatars()["bruno"].path
VOICE = voice_for(None, None)
BURST, PAUSE = 0.3, 0.1  # seconds of each word, and after it


class ToneSynthesiser:
    """Synthesiser that renders each word as a tone, and records the requested voices."""

    about = "Bursts 1"

    def __init__(self) -> None:
        self.voices: list[str] = []

    def synthesise(self, script: str, voice: Voice, report: Callable[[float], None] = lambda _fraction: None) -> Speech:
        self.voices.append(voice.name)
        texts = script.split()
        tone = 0.4 * np.sin(2 * np.pi * 220 * np.arange(round(BURST * SAMPLE_RATE)) / SAMPLE_RATE)
        one = np.append(tone, np.zeros(round(PAUSE * SAMPLE_RATE))).astype(np.float32)
        starts = [number * (BURST + PAUSE) for number in range(len(texts))]
        report(1)
        return Speech(
            np.tile(one, len(texts)), tuple(Word(t, s, s + BURST) for t, s in zip(texts, starts, strict=True))
        )


def sound(path: Path, samples: Samples) -> Path:
    """Mono WAV."""
    with av.open(str(path), "w", format="wav") as container:
        stream = container.add_stream("pcm_s16le", rate=SAMPLE_RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            (np.clip(samples, -1, 1) * 32767).astype(np.int16)[None], format="s16", layout="mono"
        )
        frame.sample_rate = SAMPLE_RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def context_after(
    tmp_path: Path, track: Path | None = None, speaker: SpeechSynthesiser | None = None, **params: Any
) -> StageContext:
    files = {"avatar": AVATAR} | ({} if track is None else {"voice_track": track})
    return StageContext(RenderVideoParams(**params), files, tmp_path, speaker=speaker)


def run(context: StageContext, *stages: Stage) -> StageContext:
    for stage in stages:
        context.enter_stage(stage)
        stage.run(context)
    context.enter_stage(None)
    return context


def test_a_script_is_synthesised_with_the_requested_voice(tmp_path: Path) -> None:
    speaker = ToneSynthesiser()
    script = "Two words."
    for params in ({"script": script}, {"script": script, "language": "es-ES"}):
        context = run(context_after(tmp_path, speaker=speaker, **params), LoadAvatar(), SynthesiseSpeech())
    assert context[PORTRAIT].shape == (512, 512, 3)
    assert context[RECORDED_VOICE] is None
    assert [word.text for word in context[SPEECH].words] == ["Two", "words."]
    assert "Bursts 1" in context.notes[0]
    assert len(set(speaker.voices)) == 2


def test_words_are_shifted_by_the_leading_silence(tmp_path: Path) -> None:
    context = run(
        context_after(tmp_path, speaker=ToneSynthesiser(), script="One two"), LoadAvatar(), SynthesiseSpeech()
    )
    speech = context[SPEECH]
    assert speech.seconds == pytest.approx(0.8 + (LEAD_FRAMES + TAIL_FRAMES) / FPS)
    for word in speech.words:
        within = np.abs(speech.samples[round(word.start * SAMPLE_RATE) : round(word.end * SAMPLE_RATE)])
        assert within.mean() > 0.2
    assert not speech.samples[: LEAD_FRAMES * SAMPLE_RATE // FPS].any()
    assert not speech.samples[-TAIL_FRAMES * SAMPLE_RATE // FPS :].any()


@settings(max_examples=50, deadline=None)
@given(length=st.integers(0, 9 * SAMPLE_RATE))
def test_speech_is_padded_to_whole_frames(length: int) -> None:
    speech = padded_with_silence(Speech(np.ones(length, np.float32), ()))
    assert len(speech.samples) == frame_count(speech) * SAMPLE_RATE // FPS
    assert speech.samples.sum() == length
    assert speech.seconds - length / SAMPLE_RATE < (LEAD_FRAMES + TAIL_FRAMES + 1) / FPS


def test_without_a_synthesiser_a_script_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(DarkroomError, match="voice_track") as raised:
        run(context_after(tmp_path, script="Hello"), LoadAvatar(), SynthesiseSpeech())
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE


def test_a_recorded_voice_is_unchanged(tmp_path: Path) -> None:
    spoken = ToneSynthesiser().synthesise("a b c", VOICE)
    context = run(
        context_after(tmp_path, sound(tmp_path / "in.wav", spoken.samples)),
        LoadAvatar(),
        SynthesiseSpeech(),
        Transcribe(),
    )
    start = LEAD_FRAMES * SAMPLE_RATE // FPS
    assert np.abs(context[SPEECH].samples[start : start + len(spoken.samples)] - spoken.samples).max() < 1e-3
    assert context[TRANSCRIPT].words == ()


def test_a_recorded_voice_is_aligned_to_its_script(tmp_path: Path) -> None:
    spoken = ToneSynthesiser().synthesise("a b c", VOICE)
    track = sound(tmp_path / "in.wav", np.concatenate([np.zeros(SAMPLE_RATE, np.float32), spoken.samples]))
    context = context_after(tmp_path, track, script="a b c", subtitles=Subtitles.FILE)
    run(context, LoadAvatar(), SynthesiseSpeech(), Transcribe(), BuildSubtitles())
    assert [word.text for word in context[TRANSCRIPT].words] == ["a", "b", "c"]
    assert context[TRANSCRIPT].words[0].start == pytest.approx(1 + LEAD_FRAMES / FPS, abs=0.15)
    assert context[TRANSCRIPT].words[-1].end == pytest.approx(1 + LEAD_FRAMES / FPS + 3 * BURST + 2 * PAUSE, abs=0.2)
    assert [" ".join(cue.lines) for cue in context[CUES]] == ["a b c"]
    assert any("estimated" in note for note in context.notes)


def test_a_recording_without_a_script_is_transcribed(tmp_path: Path) -> None:
    class TranscribeStub(Transcribe):
        def transcribe_recording(self, context: StageContext, samples: Samples, language: str | None) -> Transcript:
            context.report(1)
            return Transcript((Word(f"heard {language}", 0.2, len(samples) / SAMPLE_RATE),), "fr")

    track = sound(tmp_path / "in.wav", ToneSynthesiser().synthesise("a", VOICE).samples)
    context = run(
        context_after(tmp_path, track, subtitles=Subtitles.BOTH), LoadAvatar(), SynthesiseSpeech(), TranscribeStub()
    )
    assert [word.text for word in context[TRANSCRIPT].words] == ["heard None"]
    assert context[TRANSCRIPT].language == "fr"
    silent = run(context_after(tmp_path, track), LoadAvatar(), SynthesiseSpeech(), TranscribeStub())
    assert silent[TRANSCRIPT].words == ()


@pytest.mark.parametrize(
    ("script", "language", "read"),
    [("你好吗我很好。", None, "zh"), ("Gut so.", "de-DE", "de-DE"), ("All right.", None, "und")],
)
def test_a_recordings_script_has_the_language_of_its_letters(
    tmp_path: Path, script: str, language: str | None, read: str
) -> None:
    track = sound(tmp_path / "in.wav", ToneSynthesiser().synthesise("a b c d e f", VOICE).samples)
    context = context_after(tmp_path, track, script=script, language=language, subtitles=Subtitles.FILE)
    run(context, LoadAvatar(), SynthesiseSpeech(), Transcribe(), BuildSubtitles())
    assert context[TRANSCRIPT].language == read
    assert len(context[TRANSCRIPT].words) == (6 if read == "zh" else 2)
    assert " ".join(line for cue in context[CUES] for line in cue.lines) == script


def test_a_synthesised_script_has_the_voices_language(tmp_path: Path) -> None:
    context = context_after(tmp_path, speaker=ToneSynthesiser(), script="Hola", voice="lucia", subtitles=Subtitles.FILE)
    run(context, LoadAvatar(), SynthesiseSpeech(), Transcribe())
    assert context[TRANSCRIPT].language == "es-ES"


@pytest.mark.parametrize(
    ("engine", "stages"),
    [(Engine.PREVIEW, []), (Engine.MODELS, [SynthesiseSpeech(), Transcribe()])],
    ids=["at once", "on the way"],
)
def test_without_a_transcriber_a_recording_needs_its_script(
    tmp_path: Path, engine: Engine, stages: list[Stage]
) -> None:
    track = sound(tmp_path / "in.wav", ToneSynthesiser().synthesise("a", VOICE).samples)
    with pytest.raises(DarkroomError, match="hear") as raised:
        run(context_after(tmp_path, track, subtitles=Subtitles.BURNED), LoadAvatar(engine), *stages)
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE


def test_a_too_long_voice_is_rejected_before_any_rendering(tmp_path: Path) -> None:
    track = sound(tmp_path / "in.wav", np.zeros((MAX_VOICE_SECONDS + 1) * SAMPLE_RATE, np.float32))
    with pytest.raises(DarkroomError) as raised:
        run(context_after(tmp_path, track), LoadAvatar())
    assert raised.value.detail.code is ErrorCode.TOO_LONG


def test_a_voice_track_without_audio_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(DarkroomError) as raised:
        run(context_after(tmp_path, AVATAR), LoadAvatar())
    assert raised.value.detail.code is ErrorCode.INVALID_AUDIO
