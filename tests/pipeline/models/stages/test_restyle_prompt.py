import pytest

from darkroom.contract.params import Room
from darkroom.contract.results import RecognisedRoom
from darkroom.contract.styles import styles
from pipeline.models.stages.restyle_prompt import restyle_negative_prompt, restyle_prompt, room_name, style_caption

READ = 75  # tokens that CLIP's text encoder reads


@pytest.mark.parametrize("style", styles().values(), ids=list(styles()))
def test_every_style_leaves_tokens_for_the_callers_prompt(style):
    ours = restyle_prompt(style, "living room")
    # A token is a word, a part of a rare one, or a comma.
    assert 1.3 * len(ours.replace(",", " ,").split()) < READ - 25


def test_the_callers_prompt_comes_last_and_is_stripped():
    words = restyle_prompt(styles()["modern"], "kitchen", "  a blue\n rug, ")
    assert words.startswith("interior photograph of a kitchen, modern")
    assert words.endswith(", a blue rug")


def test_without_a_prompt_there_is_no_trailing_comma():
    assert restyle_prompt(styles()["modern"], "kitchen", " , ") == restyle_prompt(styles()["modern"], "kitchen")
    assert not restyle_negative_prompt().endswith(",")


def test_the_callers_negative_prompt_is_appended():
    assert restyle_negative_prompt("plants").startswith(restyle_negative_prompt())


def test_every_style_has_its_own_caption():
    assert len({style_caption(style, "bedroom") for style in styles().values()}) == len(styles())


@pytest.mark.parametrize(
    ("named", "recognised", "words"),
    [
        (Room.HOME_OFFICE, None, "home office"),
        (None, RecognisedRoom(room=Room.KITCHEN, confidence=0.9, sure=True), "kitchen"),
        (Room.BEDROOM, RecognisedRoom(room=Room.KITCHEN, confidence=0.9, sure=True), "bedroom"),
        (None, None, "room"),
    ],
)
def test_the_named_room_overrides_the_recognised_one(named, recognised, words):
    assert room_name(named, recognised) == words
