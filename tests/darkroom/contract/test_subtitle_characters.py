"""Characters that burned-in subtitles can have."""

import pytest
from pydantic import ValidationError

from darkroom.contract.kinds import Kind
from darkroom.contract.requests import REQUEST_MODELS
from darkroom.contract.subtitle_characters import cannot_burn_message, missing_characters


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("नमस्ते 🎉 ₹500 → ½", ""),
        ("cafe\u0301 e\u0301", ""),  # decomposed
        ("\u1112\u1161\u11ab", ""),  # a hangul syllable in its parts
        ("Mongol ᠮᠣᠩᠭᠣᠯ", "ᠮᠣᠩᠭᠯ"),
        ("𓀀", "𓀀"),
        ("\ue000", "\ue000"),
        ("👩\u200d👩\u200d👧 \U0001fae9", ""),
        ("Z̸̡̛̪͎͇̀̈́a̷̢͇̐͒l̶̼̈́g̷̈o̴̝͋", ""),
        ("𝓗𝓮𝓵𝓵𝓸 𝐇𝐢 ㍿ ㌔", ""),  # drawn as plain letters
        ("", ""),
    ],
)
def test_characters_without_a_font_are_found(text: str, missing: str) -> None:
    assert missing_characters(text) == missing


def test_the_message_names_some_characters_and_the_way_out() -> None:
    message = cannot_burn_message("ꡀꡁꡂꡃꡄꡅ")
    assert "ꡀ (U+A840), ꡁ (U+A841)" in message
    assert "ꡅ" not in message
    assert message.endswith("ask for subtitles: file")


def request(subtitles: str, script: str) -> object:
    body = {"kind": "render_video", "params": {"script": script, "subtitles": subtitles}, "uploads": {"avatar": AMARA}}
    return REQUEST_MODELS[Kind.RENDER_VIDEO].model_validate(body)


AMARA = {"avatar": "amara"}


@pytest.mark.parametrize("subtitles", ["burned", "both"])
def test_words_that_cannot_be_burned_in_are_refused(subtitles: str) -> None:
    with pytest.raises(ValidationError, match="ask for subtitles: file"):
        request(subtitles, "Mongol ᠮᠣᠩᠭᠣᠯ")


@pytest.mark.parametrize("subtitles", ["none", "file"])
def test_they_are_accepted_if_they_are_not_burned_in(subtitles: str) -> None:
    assert request(subtitles, "Mongol ᠮᠣᠩᠭᠣᠯ")


def test_the_scene_whose_words_cannot_be_burned_in_is_named() -> None:
    scene = {"type": "image", "picture": "room"}
    body = {
        "kind": "render_scenes",
        "params": {"scenes": [scene, scene | {"script": "ᠮᠣᠩᠭᠣᠯ"}], "subtitles": "burned"},
        "uploads": {"room": AMARA},
    }
    with pytest.raises(ValidationError, match="scene 2: no font here has ᠮ"):
        REQUEST_MODELS[Kind.RENDER_SCENES].model_validate(body)
