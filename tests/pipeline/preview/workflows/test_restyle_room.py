"""``restyle_room`` on the preview engine: its results."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.params import RestyleRoomParams, Room
from darkroom.contract.styles import styles
from pipeline.core.artifacts import PHOTO, QUALITY, RESULT, SAVED
from pipeline.core.stages import JobAbandoned, StageContext
from pipeline.plans import get_plan
from pipeline.preview.rendering.colour_grading import grade
from pipeline.preview.rendering.quality import measure_quality
from pipeline.preview.room.box import BoxSide
from pipeline.preview.room.layout import Doubt, RoomLayout
from pipeline.preview.room.stages import LAYOUT
from pipeline.preview.workflows.restyle_room import REPAINTED

Restyle = Callable[..., StageContext]


def run(
    photo: Path,
    folder: Path,
    report: Callable[[float, str], None] = lambda _f, _m: None,
    layout: RoomLayout | None = None,
    **params: object,
) -> StageContext:
    """Run the plan as the runner does, with the stages' declarations enforced; ``layout`` is that of an earlier run."""
    folder.mkdir(parents=True, exist_ok=True)
    context = StageContext(
        RestyleRoomParams.model_validate({"style": "modern", **params}), {"photo": photo}, folder, report
    )
    for stage, _ in get_plan(Kind.RESTYLE_ROOM, Engine.PREVIEW).steps:
        context.enter_stage(stage)
        if layout is not None and stage.provides == (LAYOUT,):
            context[LAYOUT] = layout
        else:
            stage.run(context)
    context.enter_stage(None)
    return context


@pytest.fixture(scope="module")
def small_sample(sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "room.jpg"
    small = cv2.resize(sample.rgb, (640, 480), interpolation=cv2.INTER_AREA)
    Image.fromarray(small).save(path, quality=95)
    return path


@pytest.fixture(scope="module")
def restyled(small_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Restyle:
    """Restyles the sample, once for equal params. Its layout, which takes most of the time, is estimated once."""
    cache: dict[str, StageContext] = {}

    def make(**params: object) -> StageContext:
        key = repr(sorted(params.items()))
        if key not in cache:
            layout = next((context[LAYOUT] for context in cache.values()), None)
            cache[key] = run(small_sample, tmp_path_factory.mktemp("job"), layout=layout, **params)
        return cache[key]

    return make


def lab(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def apart(one: np.ndarray, two: np.ndarray) -> float:
    """Mean CIE76 difference of two pictures."""
    return difference(lab(one), lab(two))


def difference(one: np.ndarray, two: np.ndarray) -> float:
    """Mean distance of two pictures in CIELAB."""
    return float(np.linalg.norm(one - two, axis=-1).mean())


def test_the_sample_is_repainted_at_its_own_size(sample_path: Path, tmp_path: Path) -> None:
    context = run(sample_path, tmp_path, style="industrial")
    result, thumbnail = context[SAVED]
    assert (result.name, result.width, result.height) == ("result", 1280, 960)
    assert (thumbnail.name, thumbnail.width, thumbnail.height) == ("thumbnail", 480, 360)
    for picture in (result, thumbnail):
        with Image.open(picture.path) as image:
            assert image.size == (picture.width, picture.height)
            assert b"trainedAlgorithmicMedia" in image.info["xmp"]
    assert not any("only the light" in note for note in context.notes)


@pytest.mark.parametrize("style", list(styles()))
def test_every_style_scores_well_and_is_measured(restyled: Restyle, style: str) -> None:
    quality = restyled(style=style)[QUALITY]
    assert quality.score >= 0.75
    assert quality.score == pytest.approx((quality.structure + quality.style + quality.visual) / 3, abs=1e-3)


def test_scores_differ_between_styles(restyled: Restyle) -> None:
    scores = [restyled(style=style)[QUALITY].score for style in styles()]
    assert len(set(scores)) > len(scores) / 2


def test_styles_differ_from_each_other_and_from_the_photo(restyled: Restyle) -> None:
    pictures = {style: lab(restyled(style=style)[RESULT]) for style in styles()}
    photo = lab(restyled(style="modern")[PHOTO])
    for style, picture in pictures.items():
        assert difference(picture, photo) > 8, style
        for other, another in pictures.items():
            if style < other:
                assert difference(picture, another) > 4.5, (style, other)


def test_objects_change_only_by_the_grading(restyled: Restyle, sample) -> None:
    """Well inside furniture, the repainted picture is the photo, and the result its grade."""
    context = restyled(style="art_deco")
    photo, result = context[PHOTO], context[RESULT]
    objects = cv2.resize((sample.part == 4).astype(np.uint8), (640, 480), interpolation=cv2.INTER_NEAREST)
    inside = cv2.erode(objects, np.ones((13, 13), np.uint8)) > 0
    untouched = (context[REPAINTED] == photo).all(-1)
    assert untouched[inside].mean() > 0.95
    graded = grade(photo, styles()["art_deco"].light, 1.0, rows=slice(0, 480), height=480)
    same = untouched & inside
    assert np.array_equal(result[same], graded[same])


def test_shadows_stay_on_new_floors_and_walls(restyled: Restyle, sample) -> None:
    """The repainted wall is darker where the photo's is."""
    context = restyled(style="minimalist")
    wall = cv2.resize((sample.part == 2).astype(np.uint8), (640, 480), interpolation=cv2.INTER_NEAREST)
    inside = cv2.erode(wall, np.ones((15, 15), np.uint8)) > 0
    before, after = (cv2.GaussianBlur(cv2.cvtColor(context[a], cv2.COLOR_RGB2GRAY), (0, 0), 4) for a in (PHOTO, RESULT))
    assert np.corrcoef(before[inside], after[inside])[0, 1] > 0.8


def test_equal_seeds_give_equal_pixels(small_sample: Path, tmp_path: Path) -> None:
    first, again, other = (run(small_sample, tmp_path / str(k), style="boho", seed=s) for k, s in enumerate((7, 7, 8)))
    assert first[SAVED][0].path.read_bytes() == again[SAVED][0].path.read_bytes()
    assert not np.array_equal(first[RESULT], other[RESULT])


def test_strength_interpolates_from_the_photo_to_the_style(restyled: Restyle) -> None:
    distance = [
        apart(restyled(style="boho", strength=s)[RESULT], restyled(style="boho")[PHOTO]) for s in (0.05, 0.5, 1)
    ]
    assert distance[0] < 3
    assert distance[0] < distance[1] < distance[2]


def test_kitchens_and_bathrooms_get_the_wet_floor(restyled: Restyle, sample) -> None:
    floor = cv2.resize((sample.part == 1).astype(np.uint8), (640, 480), interpolation=cv2.INTER_NEAREST)
    inside = cv2.erode(floor, np.ones((9, 9), np.uint8)) > 0
    dry = restyled(style="modern", room=Room.LIVING_ROOM)
    for room in (Room.KITCHEN, Room.BATHROOM):
        wet = restyled(style="modern", room=room)
        assert np.linalg.norm(lab(wet[RESULT])[inside].mean(0) - lab(dry[RESULT])[inside].mean(0)) > 8
    assert not any("recognise" in note for note in dry.notes)
    assert any("recognise" in note for note in restyled(style="modern").notes)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"prompt": "a fireplace"}, ["prompt and negative_prompt had no effect"]),
        ({"negative_prompt": "clutter"}, ["prompt and negative_prompt had no effect"]),
        ({"keep": ["couch", "tv"]}, ["not just couch, tv"]),
        ({}, []),
    ],
)
def test_params_that_had_no_effect_are_named(tmp_path: Path, params: dict[str, object], words: list[str]) -> None:
    Image.new("RGB", (60, 40), "#777").save(tmp_path / "grey.png")
    notes = run(tmp_path / "grey.png", tmp_path, room=Room.BEDROOM, **params).notes
    assert [word in note for word, note in zip(words, notes, strict=False)] == [True] * len(words)
    assert len(notes) == len(words) + 1  # no room was found


def test_without_a_room_only_the_light_changes_and_a_note_is_added(tmp_path: Path) -> None:
    y, x = np.mgrid[0:200, 0:300]
    Image.fromarray(np.stack([x * 0.8, y, 255 - y], -1).astype(np.uint8)).save(tmp_path / "sky.png")
    context = run(tmp_path / "sky.png", tmp_path / "job", style="industrial")
    assert not context[LAYOUT].recognised
    assert any("only the light was changed" in note for note in context.notes)
    assert np.array_equal(context[REPAINTED], context[PHOTO])
    assert not np.array_equal(context[RESULT], context[PHOTO])


@pytest.mark.parametrize(("change", "words"), [("dark", "too dark"), ("grey", "no colours")])
def test_photos_that_tell_too_little_are_only_graded_and_say_so(
    small_sample: Path, tmp_path: Path, change: str, words: str
) -> None:
    with Image.open(small_sample) as image:
        changed = image.convert("L") if change == "grey" else image.point(lambda value: round(0.12 * value))
        changed.save(tmp_path / "photo.png")
    context = run(tmp_path / "photo.png", tmp_path / "job", style="industrial")
    assert any(words in note and "only the light was changed" in note for note in context.notes)
    assert np.array_equal(context[REPAINTED], context[PHOTO])


def test_a_surface_without_evidence_stays_and_is_named(restyled: Restyle, small_sample: Path, tmp_path: Path) -> None:
    layout = restyled(style="modern")[LAYOUT]
    floor = layout.surfaces.mask_of(BoxSide.FLOOR)
    certain = replace(layout.certain, bare=layout.certain.bare & ~floor)
    context = run(small_sample, tmp_path, layout=replace(layout, certain=certain, doubts=(Doubt.FLOOR,)))
    inside = cv2.erode(floor.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    assert np.array_equal(context[REPAINTED][inside], context[PHOTO][inside])
    assert any("could not tell the floor from furniture" in note for note in context.notes)


def test_a_repainted_bed_scores_below_0_6(restyled: Restyle, small_sample: Path, tmp_path: Path) -> None:
    """The sofa is repainted in the result, though the layout knows better."""
    layout = restyled(style="modern")[LAYOUT]
    sofa = np.zeros_like(layout.certain.bare)
    sofa[250:330, 190:440] = True
    wrong = replace(layout, certain=replace(layout.certain, bare=layout.certain.bare | sofa))
    damaged = run(small_sample, tmp_path / "wrong", style="industrial", layout=wrong)[RESULT]
    photo = restyled(style="industrial")[PHOTO]
    light = styles()["industrial"].light
    graded = grade(photo, light, 1.0, rows=slice(0, len(photo)), height=len(photo))
    quality = measure_quality(photo, damaged, layout.certain.bare, list(styles()["industrial"].palette), graded)
    assert quality.score < 0.6 < restyled(style="industrial")[QUALITY].score


def test_progress_rises_to_one_and_reports_can_stop_the_job(small_sample: Path, tmp_path: Path) -> None:
    seen: list[float] = []

    def watch(fraction: float, _message: str) -> None:
        seen.append(fraction)
        if len(seen) == 3:
            raise JobAbandoned

    with pytest.raises(JobAbandoned):
        run(small_sample, tmp_path, watch)
    assert all(0 <= fraction <= 1 for fraction in seen)


@given(
    width=st.integers(32, 400),
    height=st.integers(32, 400),
    style=st.sampled_from(list(styles())),
    noise=st.booleans(),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_picture_keeps_its_size(tmp_path: Path, width: int, height: int, style: str, noise: bool) -> None:
    rng = np.random.default_rng(width * height)
    pixels = rng.integers(0, 255, (height, width, 3)) if noise else np.full((height, width, 3), rng.integers(0, 255, 3))
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "any.png")
    context = run(tmp_path / "any.png", tmp_path, style=style)
    assert context[RESULT].shape == (height, width, 3)
    assert (context[SAVED][0].width, context[SAVED][0].height) == (width, height)
