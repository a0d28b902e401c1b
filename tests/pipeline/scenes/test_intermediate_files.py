"""Intermediate files, kept for the next attempt."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.scenes.intermediate_files import (
    get_or_create,
    intermediate_name,
    load_speech,
    samples_digest,
    save_speech,
)
from pipeline.speech.types import Speech, Word
from tests.pipeline.scenes.scene_rendering import FolderIntermediates


@pytest.fixture
def attempt(tmp_path):
    """Return a function that creates a part or reuses an earlier attempt's: its content and its notes."""
    intermediates = FolderIntermediates(tmp_path / "kept")

    def attempt(content, name="part", notes=()):
        path = tmp_path / "part"

        def make(path):
            path.write_text(content)
            return notes

        notes = get_or_create(intermediates, name, path, make, lambda path: path.read_text() != "torn")
        return path.read_text(), notes

    attempt.intermediates = intermediates
    return attempt


def test_a_part_is_created_once(attempt):
    assert attempt("first") == ("first", ())
    assert attempt("second") == ("first", ())
    assert attempt("second", "another") == ("second", ())


def test_a_parts_notes_are_stored_with_it(attempt):
    assert attempt("first", notes=["Nobody is seen."]) == ("first", ("Nobody is seen.",))
    assert attempt("second") == ("first", ("Nobody is seen.",))


def test_an_incomplete_part_is_created_again_and_stored(attempt):
    attempt("torn")
    assert attempt("whole") == ("whole", ())
    assert attempt("more") == ("whole", ())


def test_a_part_that_failed_is_not_stored(attempt, tmp_path):
    def fail(path):
        path.write_text("half")
        raise ValueError("torn")

    with pytest.raises(ValueError, match="torn"):
        get_or_create(attempt.intermediates, "part", tmp_path / "part", fail, lambda _path: True)
    assert attempt("whole") == ("whole", ())


def test_a_parts_name_depends_on_all_its_inputs():
    name = intermediate_name("clip", {"seed": 1, "frames": 2}, ".mp4")
    assert name != intermediate_name("clip", {"seed": 2, "frames": 2}, ".mp4")
    assert name.startswith("clip-")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")


TEXTS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), max_size=5)


@given(TEXTS)
def test_a_saved_speech_is_loaded_unchanged(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("speech") / "speech.npz"
    words = tuple(Word(text, index / 7, (index + 1) / 7) for index, text in enumerate(texts))
    samples = np.sin(np.arange(500, dtype=np.float32))
    save_speech(Speech(samples, words), path)
    once_saved = load_speech(path)
    assert once_saved.words == words
    assert np.abs(once_saved.samples - samples).max() < 1 / 32_767
    save_speech(once_saved, path)
    assert samples_digest(load_speech(path).samples) == samples_digest(once_saved.samples)


def test_a_damaged_speech_file_loads_as_none(tmp_path):
    path = tmp_path / "speech.npz"
    save_speech(Speech(np.zeros(1000, np.float32), (Word("word", 0, 1),)), path)
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert load_speech(path) is None
