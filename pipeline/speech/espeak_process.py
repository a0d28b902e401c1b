"""espeak-ng in a separate process: ``espeak_process.py LIBRARY DATA VOICE < script > records``.

The library keeps global state that changes its later output. Only a fresh process gives the same samples for the same
script and serves several threads at once. This file imports nothing but the standard library. The functions, structures
and constants are those of espeak-ng's ``speak_lib.h`` and ``espeak_ng.h``.
"""

import ctypes
import struct
import sys
from typing import Any

SAMPLE_RATE = 22_050  # of all its voices, mono
# Record: its type and two numbers. WORD: characters before it, milliseconds. SAMPLES: number of samples, 0; then
# the samples follow, 16 bit each.
RECORD = struct.Struct("=cii")
WORD, SAMPLES = b"W", b"S"
NO_LIBRARY, NO_VOICE = 3, 4  # exit statuses

_BLOCK_MILLISECONDS = 500
_SYNCHRONOUS = 2  # espeak_AUDIO_OUTPUT
_DO_NOT_EXIT = 0x8000  # of espeak_Initialize
_CHARACTER = 1  # espeak_POSITION_TYPE
_UTF8, _END_PAUSE = 0x1, 0x1000  # of espeak_Synth: flags for SSML and phonemes stay off
_EVENT_END, _EVENT_WORD = 0, 1  # espeak_EVENT_TYPE


class _Event(ctypes.Structure):
    """C structure espeak_EVENT."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def _on_samples(samples: Any, count: int, events: Any) -> int:
    """Write the synthesised samples. Returns 1 (stop) if the reader has gone, because a callback cannot raise."""
    index = 0
    try:
        while events[index].type != _EVENT_END:
            event = events[index]
            if event.type == _EVENT_WORD:
                sys.stdout.buffer.write(RECORD.pack(WORD, max(event.text_position - 1, 0), event.audio_position))
            index += 1
        if samples and count > 0:
            sys.stdout.buffer.write(RECORD.pack(SAMPLES, count, 0))
            sys.stdout.buffer.write(ctypes.string_at(samples, count * ctypes.sizeof(ctypes.c_short)))
        sys.stdout.buffer.flush()
    except OSError:
        return 1
    return 0


def main(library_path: str, data_path: str, voice: str) -> int:
    """Synthesise standard input with the voice; returns the exit status."""
    try:
        library = ctypes.CDLL(library_path)
    except OSError:
        return NO_LIBRARY
    if library.espeak_Initialize(_SYNCHRONOUS, _BLOCK_MILLISECONDS, data_path.encode(), _DO_NOT_EXIT) != SAMPLE_RATE:
        return NO_LIBRARY
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        return NO_VOICE
    callback = _CALLBACK(_on_samples)
    library.espeak_SetSynthCallback(callback)
    text = sys.stdin.buffer.read()
    flags = _UTF8 | _END_PAUSE
    library.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, _CHARACTER, 0, flags, None, None)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
