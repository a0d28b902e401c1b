"""Picture styles of ``generate`` are valid data."""

import pytest
from pydantic import ValidationError

from darkroom.contract.params import GenerateParams
from darkroom.contract.picture_styles import PictureStyle, picture_styles


def test_each_style_has_a_title_of_its_own() -> None:
    assert len(picture_styles()) >= 12
    assert len({style.title for style in picture_styles().values()}) == len(picture_styles())


@pytest.mark.parametrize("style", picture_styles().values(), ids=list(picture_styles()))
def test_every_look_reads_well_and_leaves_room_for_the_callers_words(style: PictureStyle) -> None:
    assert style.description.endswith(".")
    assert style.prompt.count("{prompt}") == 1
    # CLIP reads 75 tokens, and a word or a comma is about one.
    assert len(style.prompt.replace(",", " ,").split()) <= 30
    assert len(style.negative_prompt.replace(",", " ,").split()) <= 15
    wanted, unwanted = (set(text.replace(",", " ").split()) for text in (style.prompt, style.negative_prompt))
    assert not wanted & unwanted - {"light", "colours"}


def test_unknown_looks_are_refused_with_the_list_of_known_ones() -> None:
    with pytest.raises(ValidationError, match="choose one of: photo"):
        GenerateParams(prompt="a cat", style="baroque")


@pytest.mark.parametrize("prompt", ["{prompt}{prompt}", "no place for it", "{prompt} and {other}", "{ {prompt}"])
def test_a_template_has_one_place_for_the_callers_words(prompt: str) -> None:
    right = picture_styles()["photo"].model_dump()
    with pytest.raises(ValidationError):
        PictureStyle.model_validate({**right, "prompt": prompt})
