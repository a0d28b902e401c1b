"""Soundtrack mix: voices at their positions, ducked music under them, and one loudness."""

from collections.abc import Callable, Iterable
from contextlib import closing
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from pipeline.speech.types import SAMPLE_RATE, Samples
from pipeline.video.audio import BLOCK, RawAudioFile, StereoSamples, with_progress, write_audio
from pipeline.video.decoder import decode_stereo
from pipeline.video.loudness import measure_loudness, normalise_loudness

DUCKING = -12.0  # dB: gain of the music during speech
ATTACK, RELEASE = 0.3, 0.8  # seconds in which it fades before speech, and returns after it
PAUSE = 1.0  # seconds: the music stays ducked through shorter pauses
ACTIVITY_THRESHOLD = -35.0  # dB below a voice's loud parts: quieter parts are pauses
FADE_OUT = 1.5  # seconds, at the video's end
CROSSFADE = 0.5  # seconds, where the music loops
STEPS = 100  # time steps per second of the activity mask and the gains

Curve = NDArray[np.float32]


def mix_soundtrack(
    speech: Iterable[tuple[float, Samples]],
    music: Path | None,
    seconds: float,
    path: Path,
    *,
    music_volume: float,
    loudness: float,
    report: Callable[[float], None] = lambda _fraction: None,
    check: Callable[[], None] = lambda: None,
) -> RawAudioFile:
    """Write the sound of a video that lasts ``seconds`` to ``path``: n×2 float32 at ``SAMPLE_RATE``.

    ``speech`` are voices, mono float32 in [-1, 1] at ``SAMPLE_RATE``, with the second at which each begins; one at a
    time is held in memory. All are brought to one loudness.

    ``music`` is an uploaded file, or None. It is brought to the voices' loudness and then to ``music_volume`` (0 to 1,
    as amplitude). It loops with a crossfade, fades out at the end, and is ducked by 12 dB around speech, ahead of time.
    The mix is then brought to ``loudness`` in LUFS; it is silent where there is no sound.

    Temporary files next to ``path``, as large again for the voices and for the music, are removed. ``report`` receives
    the fraction done, 0 to 1, and may raise to end the work; so may ``check`` while the music is decoded. Raises
    ``DarkroomError`` (``invalid_audio``) for music that cannot be decoded.
    """
    length = round(seconds * SAMPLE_RATE)
    with TemporaryDirectory(dir=path.parent) as name:
        folder = Path(name)
        mixed = RawAudioFile(folder / "mixed", length)
        voice_activity = _add_voices(speech, mixed.memory_map(), loudness, seconds, lambda part: report(0.3 * part))
        if music is not None and music_volume > 0:
            blocks = with_progress(_limited(music, length, check), length, lambda part: report(0.3 + 0.1 * part))
            music_audio = write_audio(folder / "music", blocks)
            blocks = with_progress(music_audio, len(music_audio), lambda part: report(0.4 + 0.05 * part))
            volume = _gain(blocks, loudness) * music_volume * _ducking(voice_activity)
            _add_music(mixed.memory_map(), music_audio, volume, lambda part: report(0.45 + 0.05 * part))
        return normalise_loudness(mixed, loudness, path, report=lambda part: report(0.5 + 0.5 * part))


def _add_voices(
    speech: Iterable[tuple[float, Samples]],
    track: StereoSamples,
    loudness: float,
    seconds: float,
    report: Callable[[float], None],
) -> NDArray[np.bool_]:
    """Add the voices to the track and return a voice activity mask: one bool per hundredth of a second."""
    voice_activity = np.zeros(round(seconds * STEPS) + 1, np.bool_)
    for begins, samples in speech:
        first, step = round(begins * SAMPLE_RATE), round(begins * STEPS)
        _add_voice(samples[: max(len(track) - first, 0)], track, first, loudness, report)
        active = _voice_activity(samples)
        voice_activity[step : step + len(active)] |= active[: max(len(voice_activity) - step, 0)]
    return voice_activity


def _add_voice(
    samples: Samples, track: StereoSamples, first: int, loudness: float, report: Callable[[float], None]
) -> None:
    report(first / len(track))
    voice = [samples[start : start + BLOCK, None] for start in range(0, len(samples), BLOCK)]
    both = (np.repeat(block, 2, axis=1) for block in voice)
    gain = np.float32(_gain(with_progress(both, len(samples), lambda _part: report(first / len(track))), loudness))
    for block in voice:
        track[first : first + len(block)] += block * gain
        first += len(block)
        report(first / len(track))


def _voice_activity(samples: Samples) -> NDArray[np.bool_]:
    """Detect voice activity: one bool for each started hundredth of a second."""
    span = SAMPLE_RATE // STEPS
    padded = np.pad(samples, (0, -len(samples) % span)).reshape(-1, span)
    levels = np.sqrt(np.einsum("ij,ij->i", padded, padded) / span)
    loud = float(np.percentile(levels, 95)) if len(levels) else 0.0
    return np.asarray(levels > max(loud * 10 ** (ACTIVITY_THRESHOLD / 20), 1e-5))


def _ducking(voice_activity: NDArray[np.bool_]) -> Curve:
    """Compute the music's ducking gain for each hundredth of a second."""
    steps = np.arange(len(voice_activity))
    no_speech = 10 * len(voice_activity) + 10 * STEPS
    since = steps - np.maximum.accumulate(np.where(voice_activity, steps, -no_speech))
    until = np.minimum.accumulate(np.where(voice_activity, steps, no_speech)[::-1])[::-1] - steps
    pause = (since + until) / STEPS < PAUSE
    duck_amount = np.maximum(1 - since / STEPS / RELEASE, 1 - until / STEPS / ATTACK)
    duck_amount = np.where(pause, 1, np.clip(duck_amount, 0, 1))
    # A smoothstep in decibels, so that neither end of the fade is audible.
    return np.asarray(10 ** (DUCKING / 20 * duck_amount * duck_amount * (3 - 2 * duck_amount)), np.float32)


def _add_music(track: StereoSamples, music: RawAudioFile, volume: Curve, report: Callable[[float], None]) -> None:
    """Add the looped music to the track, with the gain ``volume`` for each hundredth of a second."""
    music_audio, length = music.memory_map(), len(track)
    fade = min(round(CROSSFADE * SAMPLE_RATE), len(music_audio) // 4)
    fade_out = min(FADE_OUT, length / SAMPLE_RATE / 4) * SAMPLE_RATE
    for start in range(0, length, BLOCK):
        places = np.arange(start, min(start + BLOCK, length))
        block = music_audio[places] if length <= len(music_audio) else _looped(music_audio, places, fade)
        gain = np.interp(places / SAMPLE_RATE, np.arange(len(volume)) / STEPS, volume)
        gain *= np.clip((length - places) / fade_out, 0, 1)
        track[start : start + len(block)] += block * gain.astype(np.float32)[:, None]
        report(start / length)


def _looped(music_audio: StereoSamples, places: NDArray[np.int64], fade: int) -> StereoSamples:
    """Sample endless music: its last ``fade`` samples are crossfaded with its first."""
    period = len(music_audio) - fade
    at = places % period
    block = music_audio[at]
    in_crossfade = (at < fade) & (places >= period)
    part = (at[in_crossfade, None] / fade * np.pi / 2).astype(np.float32)
    # Equal-power crossfade, because a tune's end and its start are uncorrelated.
    block[in_crossfade] = block[in_crossfade] * np.sin(part) + music_audio[at[in_crossfade] + period] * np.cos(part)
    return block


def _limited(music: Path, length: int, check: Callable[[], None]) -> Iterable[StereoSamples]:
    """Yield no more of the music than is needed."""
    remaining = length
    with closing(decode_stereo(music, check)) as blocks:
        for block in blocks:
            yield block[:remaining]
            remaining -= len(block)
            if remaining <= 0:
                return


def _gain(sound: Iterable[StereoSamples], loudness: float) -> float:
    """Compute the gain that brings audio to a loudness; 1 for silence."""
    measured = measure_loudness(sound).integrated
    return float(10 ** ((loudness - measured) / 20)) if isfinite(measured) else 1.0
