"""Intermediate files of a video: each is created once and reused by later attempts of the job."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from pipeline.core.intermediates import Intermediates
from pipeline.speech.types import Samples, Speech, Word

# Exceptions of NumPy for truncated files.
READ_ERRORS = (OSError, ValueError, KeyError, EOFError, BadZipFile)
FULL_SCALE = 32_767


def intermediate_name(prefix: str, key_parts: Mapping[str, object], suffix: str) -> str:
    """Return the name of an intermediate file, a digest of everything that decides its content (JSON values).

    >>> name = intermediate_name("clip", {"frames": 2, "seed": 1}, ".mp4")
    >>> name == intermediate_name("clip", {"seed": 1, "frames": 2}, ".mp4")
    True
    """
    digest = hashlib.sha256(json.dumps(key_parts, sort_keys=True).encode()).hexdigest()
    return f"{prefix}-{digest}{suffix}"


def get_or_create(
    intermediates: Intermediates,
    name: str,
    path: Path,
    create: Callable[[Path], Sequence[str]],
    is_complete: Callable[[Path], bool],
) -> tuple[str, ...]:
    """Provide an intermediate file at ``path``: an earlier attempt's if ``is_complete``, else a new one, which is kept.

    Returns the notes that ``create`` returned when it created the file. Raises what ``create`` raises.
    """
    notes_path = path.with_name(f"{path.name}.notes")
    if intermediates.get(name, path) and is_complete(path):
        return _read_notes(notes_path) if intermediates.get(f"{name}.notes", notes_path) else ()
    path.unlink(missing_ok=True)
    notes = tuple(create(path))
    if notes:
        # Kept before the file itself, which must never exist without its notes.
        notes_path.write_text(json.dumps(notes), "utf-8")
        intermediates.put(f"{name}.notes", notes_path)
    intermediates.put(name, path)
    return notes


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def samples_digest(samples: Samples) -> str:
    """Return the SHA-256 of a voice, hex."""
    return hashlib.sha256(np.ascontiguousarray(samples).data).hexdigest()


def save_speech(speech: Speech, path: Path) -> None:
    """Save a speech as NumPy's ``.npz``, its samples rounded to 16 bits."""
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            samples=np.rint(np.clip(speech.samples, -1, 1) * FULL_SCALE).astype(np.int16),
            texts=np.array([word.text for word in speech.words], np.str_),
            times=np.array([(word.start, word.end) for word in speech.words], np.float64).reshape(-1, 2),
        )


def load_speech(path: Path) -> Speech | None:
    """Load a saved speech; None if the file is damaged."""
    try:
        # NumPy leaves a damaged file open if it opens it itself.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            samples, texts, times = saved["samples"], saved["texts"], saved["times"]
        words = tuple(
            Word(str(text), float(start), float(end)) for text, (start, end) in zip(texts, times, strict=True)
        )
        return Speech(samples.astype(np.float32) / FULL_SCALE, words)
    except READ_ERRORS:
        return None


def _read_notes(path: Path) -> tuple[str, ...]:
    try:
        return tuple(map(str, json.loads(path.read_text("utf-8"))))
    except READ_ERRORS:
        return ()
