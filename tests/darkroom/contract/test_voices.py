"""Bundled voices: a default for every language, and names that the synthesisers know."""

import pytest
from botocore.session import Session
from pydantic import TypeAdapter, ValidationError

from darkroom.contract.voices import DEFAULT_LANGUAGE, Language, Voice, VoiceName, languages, voice_for, voices


def test_every_language_has_a_voice() -> None:
    assert 10 <= len(voices()) <= 20
    assert DEFAULT_LANGUAGE in languages()
    for language in languages():
        assert voice_for(None, language).language == language


def test_a_voice_is_chosen_by_name_then_language_then_the_default() -> None:
    assert voice_for("brian", None).name == "brian"
    assert voice_for(None, "de-DE").name == "vicki"
    assert voice_for(None, None).language == "en-US"


def test_voices_of_polly_have_pollys_names() -> None:
    model = Session().get_service_model("polly")
    names, engines = (set(model.shape_for(shape).enum) for shape in ("VoiceId", "Engine"))
    for voice in voices().values():
        assert voice.polly is None or voice.polly in names
        assert voice.polly_engine in engines


def test_all_voices_differ() -> None:
    assert len({voice.espeak for voice in voices().values()}) == len(voices())
    known = [voice.polly for voice in voices().values() if voice.polly]
    assert len(set(known)) == len(known)


@pytest.mark.parametrize("kind", [VoiceName, Language])
def test_an_unknown_name_is_rejected_with_the_known_ones(kind: object) -> None:
    with pytest.raises(ValidationError, match="choose one of: "):
        TypeAdapter(kind).validate_python("nobody")


def test_an_invalid_table_is_rejected() -> None:
    with pytest.raises(ValidationError):
        Voice(name="joanna", title="Joanna", language="english", espeak="en-us")
