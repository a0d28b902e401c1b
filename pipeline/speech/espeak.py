"""espeak-ng synthesiser from the wheel ``espeakng_loader``, with a separate process per script."""

import ctypes
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from subprocess import DEVNULL, PIPE, Popen

import numpy as np

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.video_params import MAX_VOICE_SECONDS
from darkroom.contract.voices import Voice
from pipeline.speech import espeak_process
from pipeline.speech.audio import Resampler, normalise_peak
from pipeline.speech.espeak_process import RECORD, WORD
from pipeline.speech.script_errors import check_script, nothing_to_say_error, script_too_long_error
from pipeline.speech.types import Samples, Speech
from pipeline.speech.word_timing import SpeechMark, time_words
from pipeline.speech.words import remove_controls


class EspeakSynthesiser:
    """``SpeechSynthesiser`` with espeak-ng: a robotic voice that works offline and is identical on every machine."""

    @property
    def about(self) -> str:
        """Return "espeak-ng" and its version. Raises ``DarkroomError`` (``engine_unavailable``) if it is missing."""
        return f"espeak-ng {_version()}"

    def synthesise(self, script: str, voice: Voice, report: Callable[[float], None] = lambda _fraction: None) -> Speech:
        """Synthesise ``script`` as plain text; markup in it is read out. Raises like ``SpeechSynthesiser``."""
        check_script(script, voice)
        if voice.language.startswith("ja"):
            _check_kanji(script, voice)
        with _process(voice) as process:
            samples, marks = _read_speech(process, script, report)
        if not samples.any():
            raise nothing_to_say_error(voice)
        return Speech(samples, time_words(script, voice.language, marks, samples))


def _read_speech(
    process: "Popen[bytes]", script: str, report: Callable[[float], None]
) -> tuple[Samples, list[SpeechMark]]:
    """Read the process's samples and marks.

    Raises ``DarkroomError`` (``script_too_long_error``) as soon as the limit is passed.
    """
    assert process.stdin is not None and process.stdout is not None
    # A process that failed to start has closed the pipe; its exit status tells why.
    with suppress(BrokenPipeError), process.stdin as stdin:
        stdin.write(remove_controls(script).encode())
    stdout, blocks, marks = process.stdout, list[Samples](), list[SpeechMark]()
    resampler, remaining = Resampler(espeak_process.SAMPLE_RATE), MAX_VOICE_SECONDS * espeak_process.SAMPLE_RATE
    while len(record := stdout.read(RECORD.size)) == RECORD.size:
        record_type, number, milliseconds = RECORD.unpack(record)
        if record_type == WORD:
            marks.append(SpeechMark(number, milliseconds / 1000))
            continue
        remaining -= number
        if remaining < 0:
            raise script_too_long_error(marks)
        block = stdout.read(number * 2)
        if len(block) < number * 2:
            break
        blocks += resampler.push(np.frombuffer(block, np.int16))
        report(min(marks[-1].index / len(script), 1.0) if marks else 0.0)
    blocks += resampler.flush()
    report(1.0)
    return normalise_peak(blocks), marks


@contextmanager
def _process(voice: Voice) -> "Iterator[Popen[bytes]]":
    """Start espeak-ng with a voice. Raises ``DarkroomError`` (``engine_unavailable``) if it fails."""
    library, data = _paths()
    command = (sys.executable, "-I", "-S", espeak_process.__file__, library, data, voice.espeak)
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise
    if process.returncode == espeak_process.NO_VOICE:
        raise _unavailable(f"espeak-ng has no voice {voice.espeak}")
    if process.returncode:
        raise _unavailable(f"espeak-ng ended with status {process.returncode}")


def _version() -> str:
    library, _ = _paths()
    try:
        get_info = ctypes.CDLL(library).espeak_Info
    except (OSError, AttributeError) as error:
        raise _unavailable("its library cannot be loaded") from error
    get_info.restype = ctypes.c_char_p
    return str(get_info(None), "ascii")


def _paths() -> tuple[str, str]:
    """Return the wheel's library and data. Raises ``DarkroomError`` (``engine_unavailable``) if they are missing."""
    try:
        loader = import_module("espeakng_loader")
        return loader.get_library_path(), loader.get_data_path()
    except (ImportError, RuntimeError) as error:
        raise _unavailable("the package espeakng_loader is missing, or not whole") from error


def _unavailable(why: str) -> DarkroomError:
    return DarkroomError(
        ErrorCode.ENGINE_UNAVAILABLE, f"No voice can be synthesised here: {why}. Upload a voice_track instead."
    )


def _check_kanji(script: str, voice: Voice) -> None:
    """Raise ``DarkroomError`` (``invalid_request``) for kanji, because espeak-ng says "Chinese letter" for each."""
    kanji = dict.fromkeys(each for each in script if unicodedata.name(each, "").startswith("CJK UNIFIED"))
    if kanji:
        raise DarkroomError(
            ErrorCode.INVALID_REQUEST,
            f"The voice {voice.name} cannot read kanji here, such as {''.join(list(kanji)[:5])}. "
            "Write the script in hiragana and katakana, or upload a voice_track.",
        )
