"""Prompt additions: they fit the prompt, and leave its text unchanged."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from darkroom.contract.kinds import Kind
from darkroom.contract.picture_styles import picture_styles
from darkroom.contract.styles import styles
from handlers.prompts.rules import MAX_TOKENS, EnhancementRules, enhance, enhancement_rules

STYLES = {Kind.GENERATE: list(picture_styles()), Kind.RESTYLE_ROOM: list(styles())}
KNOWN = sorted(
    {
        *("a", "of", "with", "on", "no", "without", "blue", "-", ",", ".", "!", "85mm", "2", "Ännchen", "猫"),
        *enhancement_rules().drawn,
        *(word for family in enhancement_rules().families.values() for word in family.subjects),
        *(word for said in enhancement_rules().aspects.values() for word in said),
        *(
            phrase
            for family in enhancement_rules().families.values()
            for aspect in enhancement_rules().aspects
            for phrase in family.phrases(aspect)
        ),
    }
)
sentences = st.lists(st.sampled_from(KNOWN), max_size=12).map(" ".join)
long_ones = st.builds(lambda text, times: (text * times)[:500], sentences, st.integers(1, 30))
prompts = st.one_of(sentences, long_ones, st.text(max_size=500))


@st.composite
def asked(draw):
    """A prompt, a kind, and one of the kind's styles or none."""
    kind = draw(st.sampled_from(Kind))
    return draw(prompts), kind, draw(st.sampled_from([None, *STYLES.get(kind, [])]))


def words(text):
    return re.findall(r"[^\W_]+", text.casefold())


@settings(max_examples=300)
@given(asked())
def test_the_callers_text_comes_first_and_stays_as_it_is(given_):
    prompt, kind, style = given_
    assert enhance(prompt, kind, style).startswith(prompt.strip())


@settings(max_examples=300)
@given(asked())
def test_enhancing_twice_changes_nothing(given_):
    prompt, kind, style = given_
    once = enhance(prompt, kind, style)
    assert enhance(once, kind, style) == once == enhance(prompt, kind, style)


@settings(max_examples=300)
@given(asked())
def test_no_word_that_is_there_is_added(given_):
    prompt, kind, style = given_
    added = words(enhance(prompt, kind, style)[len(prompt.strip()) :])
    assert len(set(added)) == len(added)
    assert not set(added) & set(words(prompt))
    if kind is Kind.GENERATE and style:
        assert not set(added) & set(words(picture_styles()[style].prompt.replace("{prompt}", "")))
        assert not set(added) & set(words(picture_styles()[style].negative_prompt))


@settings(max_examples=300)
@given(asked())
def test_it_stays_within_what_the_contract_takes_and_clip_reads(given_):
    prompt, kind, style = given_
    longer = enhance(prompt, kind, style)
    assert len(longer) <= 500
    if longer != prompt.strip():
        assert len(re.findall(r"[^\W_]+|[^\w\s]", longer)) <= MAX_TOKENS


@settings(max_examples=300)
@given(asked(), st.sampled_from(sorted(enhancement_rules().aspects)))
def test_an_aspect_that_was_spoken_of_is_left_alone(given_, aspect):
    prompt, kind, style = given_
    said = enhancement_rules().aspects[aspect]
    for cue in ("lit", "lens", "framing", "blurry", "monochrome"):
        if cue in said:
            added = enhance(f"{prompt[:400]} {cue}", kind, style)[len(f"{prompt[:400]} {cue}".strip()) :]
            assert not said & set(words(added))


@pytest.mark.parametrize(
    ("prompt", "added"),
    [
        ("a laughing woman on a bench", "85mm lens"),
        ("Two cheeseburgers", "fresh texture"),
        ("a bottle of perfume", "softbox light"),
        ("an island in the sea", "layered foreground"),
        ("puppies", "200mm telephoto"),
        ("a rusty truck", "three-quarter angle"),
        ("an old lighthouse", "tilt-shift lens"),
        ("a bouquet", "100mm macro"),
        ("the interior of a cabin", "soft ambient light"),
    ],
)
def test_each_sort_of_subject_has_words_of_its_own(prompt, added):
    assert added in enhance(prompt)


def test_the_subject_that_is_named_first_decides():
    assert "85mm lens" in enhance("a chef with a burger")
    assert "fresh texture" in enhance("a burger, a chef behind it")


@pytest.mark.parametrize(
    "prompt", ["watercolour of a dog", "pixel art car", "a logo with a burger", "3D render of a shoe"]
)
def test_what_is_drawn_gets_no_camera(prompt):
    added = enhance(prompt)[len(prompt) :]
    assert not re.search(r"lens|light|mm|focus|macro", added)
    assert "harmonious palette" in added
    assert "palette" not in enhance(f"{prompt}, black and white")


def test_a_style_counts_as_said():
    for style in picture_styles():
        added = enhance("a dog on a rock", style=style)[len("a dog on a rock") :]
        if style in ("watercolour", "flat", "isometric", "clay"):
            assert "mm" not in added
    assert "light" not in enhance("a bottle", style="neon")[len("a bottle") :]


def test_nothing_is_made_up_about_what_is_not_known():
    assert enhance("Schnurrdiburr") == "Schnurrdiburr, balanced composition, fine detail"


@pytest.mark.parametrize(
    ("prompt", "joined"),
    [("a cat.", "a cat. soft"), ("a cat,", "a cat, soft"), ("  a cat \n", "a cat, soft"), ("a cat", "a cat, soft")],
)
def test_what_is_added_is_joined_as_a_person_would(prompt, joined):
    assert enhance(prompt).startswith(joined)


def test_where_words_have_no_use_nothing_is_added():
    for kind in (Kind.UPSCALE, Kind.FACE_SWAP):
        assert enhance("a cat", kind) == "a cat"
    assert enhance(" \n ") == enhance("") == ""


def test_what_fills_a_hole_and_what_a_room_has_bring_no_camera():
    for kind in (Kind.INPAINT, Kind.RESTYLE_ROOM):
        assert enhance("a dog", kind) != "a dog"
        assert not re.search(r"lens|mm|framing|composition", enhance("a dog", kind))


@pytest.mark.parametrize(
    ("kind", "style"), [(Kind.GENERATE, "japandi"), (Kind.RESTYLE_ROOM, "neon"), (Kind.INPAINT, "neon")]
)
def test_a_style_of_another_kind_is_refused(kind, style):
    with pytest.raises(ValueError, match=f"'{style}' is no style of {kind}"):
        enhance("a cat", kind, style)


def test_every_phrase_speaks_of_its_own_aspect_alone():
    for family in enhancement_rules().families.values():
        for aspect in enhancement_rules().aspects:
            for phrase in family.phrases(aspect):
                said = {each for each, cues in enhancement_rules().aspects.items() if cues & set(words(phrase))}
                assert said == {aspect}, phrase


@pytest.mark.parametrize("phrase", ["a nice picture", "lens for a dog", "lens, watercolour"])
def test_a_phrase_that_would_not_settle_is_refused(phrase):
    table = enhancement_rules().model_dump()
    table["families"]["other"]["lens"] = (phrase,)
    with pytest.raises(ValidationError, match="does not say it, or names a subject"):
        EnhancementRules.model_validate(table)
