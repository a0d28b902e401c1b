"""Perception stages with fake networks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from darkroom.contract.params import RestyleRoomParams, Room
from darkroom.contract.results import FoundObject
from pipeline.core.artifacts import OBJECTS, PHOTO, ROOM
from pipeline.core.stages import StageContext
from pipeline.models.artifacts import DEPTH, DETECTIONS, EDGES, KEEP_MASK, MASK_LOGITS, MaskLogits
from pipeline.models.interfaces import Detection
from pipeline.models.letterbox import Letterbox
from pipeline.models.network_registry import DEPTH_ESTIMATOR, DETECTOR, IMAGE_TEXT, SEGMENTER
from pipeline.models.stages.classify_room import Classify
from pipeline.models.stages.depth import EstimateDepth, depth_to_grey
from pipeline.models.stages.detect import Detect
from pipeline.models.stages.edges import FindEdges
from pipeline.models.stages.keep import BuildKeepMask
from pipeline.models.stages.segment import Segment
from tests.pipeline.models.stages.perception_fakes import (
    LONG_SIDE,
    FakeDepth,
    FakeDetector,
    FakeImageText,
    FakeSegmenter,
    black,
    disc,
    params,
    run,
)

RATIOS = st.floats(1 / 3, 3)


def detected(*found: Detection) -> tuple[Detection, ...]:
    return run(Detect(), {PHOTO: black(100, 200)}, {DETECTOR: FakeDetector(*found)})[DETECTIONS]


def test_detections_are_sorted_and_within_the_photo() -> None:
    found = detected(Detection("bed", (-5, 10, 50, 120), 0.4), Detection("tv", (150, -1, 260, 40), 0.9))
    assert found == (Detection("tv", (150, 0, 200, 40), 0.9), Detection("bed", (0, 10, 50, 100), 0.4))


def test_detections_with_low_scores_are_dropped() -> None:
    unsure, outside = Detection("bed", (0, 0, 50, 50), 0.1), Detection("tv", (200, 0, 260, 40), 0.9)
    assert detected(unsure, outside) == ()


def test_the_highest_scores_are_kept_in_a_crowd() -> None:
    crowd = [Detection("chair", (i, 0.0, i + 10, 10.0), 0.5 + i / 1000) for i in range(120)]
    assert [each.box[0] for each in detected(*crowd)] == list(range(119, 69, -1))


def test_without_detections_the_segmenter_is_not_used() -> None:
    context = run(Segment(), {PHOTO: black(90, 60), DETECTIONS: ()})
    assert len(context[MASK_LOGITS]) == 0
    assert context.models_used == {}


def test_mask_logits_of_a_large_photo_stay_small() -> None:
    found = tuple(Detection("chair", (i * 10.0, 0.0, i * 10.0 + 400, 300.0), 0.9) for i in range(50))
    outlines = run(Segment(), {PHOTO: black(3000, 4000), DETECTIONS: found}, {SEGMENTER: FakeSegmenter()})[MASK_LOGITS]
    assert len(outlines) == 50
    assert outlines.logits.nbytes < 1_000_000


def test_logits_beyond_half_precision_are_clipped() -> None:
    class Extreme:
        def segment(self, _photo: Any, _boxes: Sequence[Any]) -> NDArray[np.float32]:
            return np.array([[[-1e9, 1e9]]], np.float32)

    found = (Detection("tv", (0, 0, 9, 9), 0.9),)
    logits = run(Segment(), {PHOTO: black(9, 9), DETECTIONS: found}, {SEGMENTER: Extreme()})[MASK_LOGITS].logits
    assert np.isfinite(logits).all()
    assert (logits > 0).tolist() == [[[False, True]]]


COUCH = Detection("couch", (20, 20, 120, 80), 0.9)
PLANT = Detection("potted plant", (150, 10, 190, 90), 0.8)
PERSON = Detection("person", (60, 5, 90, 95), 0.7)


def kept(used_networks: RestyleRoomParams, *found: Detection, height: int = 100, width: int = 200) -> StageContext:
    logits = np.stack([disc((height, width), each.box) for each in found]) if found else np.zeros((0, 1, 1))
    values = {PHOTO: black(height, width), DETECTIONS: found, MASK_LOGITS: MaskLogits(logits.astype(np.float16))}
    return run(BuildKeepMask(), values, used_networks=used_networks)


def names(objects: Sequence[FoundObject]) -> set[str]:
    return {each.label for each in objects if each.kept}


@pytest.mark.parametrize(
    ("used_networks", "stays"),
    [
        (params(keep=["sofa"]), {"couch", "person"}),
        (params(keep=["Couch", "plant"], keep_people=False), {"couch", "potted plant"}),
        (params(keep=["people"], keep_people=False), {"person"}),
        (params(), {"person"}),
        (params(keep_people=False), set()),
    ],
)
def test_requested_objects_are_kept(used_networks: RestyleRoomParams, stays: set[str]) -> None:
    context = kept(used_networks, COUCH, PLANT, PERSON)
    assert len(context[OBJECTS]) == 3
    assert names(context[OBJECTS]) == stays
    assert (context[KEEP_MASK] is None) == (not stays)
    assert context.notes == []


def test_objects_that_were_not_found_add_a_note() -> None:
    context = kept(params(keep=["sofa", "tv"]), COUCH)
    assert context.notes == ["No tv was found to keep."]
    assert kept(params(keep=["tv", "television"]), COUCH).notes == ["No tv was found to keep."]
    assert kept(params(keep=["bed"])).notes == ["No bed was found to keep."]


def test_without_objects_the_keep_mask_is_none() -> None:
    context = kept(params())
    assert context[OBJECTS] == ()
    assert context[KEEP_MASK] is None
    assert context.notes == []


def test_an_object_without_a_mask_is_not_kept() -> None:
    values = {
        PHOTO: black(100, 200),
        DETECTIONS: (COUCH,),
        MASK_LOGITS: MaskLogits(np.full((1, 8, 8), -1, np.float16)),
    }
    context = run(BuildKeepMask(), values, used_networks=params(keep=["sofa"]))
    assert context[KEEP_MASK] is None
    assert not context[OBJECTS][0].kept
    assert context.notes == ["No couch was found to keep."]


@pytest.mark.parametrize(("height", "width"), [(900, 300), (300, 900), (600, 600)])
def test_masks_are_smooth_at_full_size(height: int, width: int) -> None:
    """An outline of 64×64 comes out within a pixel or two of the true curve, not in steps of ten."""
    box = (width * 0.2, height * 0.3, width * 0.8, height * 0.7)
    context = kept(params(keep=["sofa"]), Detection("couch", box, 0.9), height=height, width=width)
    mask = context[KEEP_MASK]
    assert mask is not None
    assert mask.shape == (height, width)
    assert mask.dtype == bool
    rows, columns = np.mgrid[:height, :width] + 0.5
    radius = np.hypot((columns / width - 0.5) / 0.3, (rows / height - 0.5) / 0.2)
    assert mask[radius < 0.97].all()
    assert not mask[radius > 1.03].any()
    assert context[OBJECTS][0].area == pytest.approx(np.pi * 0.3 * 0.2, rel=0.03)
    assert mask.mean() == pytest.approx(np.pi * 0.3 * 0.2, rel=0.01)


def test_mask_pixels_far_outside_the_box_are_cut_off() -> None:
    values = {
        PHOTO: black(100, 200),
        DETECTIONS: (COUCH,),
        MASK_LOGITS: MaskLogits(np.ones((1, 50, 50), np.float16)),
    }
    mask = run(BuildKeepMask(), values, used_networks=params(keep=["sofa"]))[KEEP_MASK]
    assert mask is not None
    assert mask[20:80, 20:120].all()
    assert not mask[:13].any()
    assert not mask[:, 131:].any()


def test_the_largest_object_comes_first() -> None:
    areas = [each.area for each in kept(params(), PLANT, COUCH, PERSON)[OBJECTS]]
    assert areas == sorted(areas, reverse=True)
    assert all(0 < area < 1 for area in areas)


def test_changed_keep_params_use_no_network() -> None:
    """Network outputs depend on the photo only; stages that depend on params use no network."""
    assert (
        Detect.depends_on_params
        == Segment.depends_on_params
        == EstimateDepth.depends_on_params
        == FindEdges.depends_on_params
        == ()
    )
    assert all(stage.cacheable for stage in (Detect, Segment, EstimateDepth, FindEdges, Classify))
    assert BuildKeepMask.networks == ()
    assert set(BuildKeepMask.depends_on_params or ()) == {"keep", "keep_at", "keep_people"}


@pytest.mark.parametrize("room", list(Room))
def test_the_room_is_recognised(room: Room) -> None:
    words = room.value.replace("_", " ")
    context = run(Classify(), {PHOTO: black(60, 90)}, {IMAGE_TEXT: FakeImageText(words, 0.9)})
    seen = context[ROOM]
    assert seen is not None
    assert (seen.room, seen.sure) == (room, True)
    assert seen.confidence == pytest.approx(0.9, abs=1e-3)
    assert context.notes == []


def test_low_confidence_adds_a_note() -> None:
    context = run(Classify(), {PHOTO: black(60, 90)}, {IMAGE_TEXT: FakeImageText("bedroom", 0.4)})
    seen = context[ROOM]
    assert seen is not None
    assert (seen.room, seen.sure) == (Room.BEDROOM, False)
    assert "bedroom" in context.notes[0]
    assert "Naming the room" in context.notes[0]


def test_a_photo_of_no_room_is_uncertain() -> None:
    seen = run(Classify(), {PHOTO: black(60, 90)}, {IMAGE_TEXT: FakeImageText("garden", 0.95)})[ROOM]
    assert seen is not None
    assert not seen.sure


def test_a_named_room_is_not_classified() -> None:
    context = run(Classify(), {PHOTO: black(60, 90)}, used_networks=params(room="kitchen"))
    assert context[ROOM] is None
    assert context.models_used == {}


@settings(max_examples=25, deadline=None)
@given(st.integers(32, 600), RATIOS)
def test_depth_and_edges_are_at_the_working_size(height: int, ratio: float) -> None:
    width = max(round(height * ratio), 32)
    fit = Letterbox.for_photo(height, width, LONG_SIDE)
    depth = run(EstimateDepth(), {PHOTO: black(height, width)}, {DEPTH_ESTIMATOR: FakeDepth()})[DEPTH]
    edges = run(FindEdges(), {PHOTO: black(height, width)})[EDGES]
    assert depth.shape == edges.shape == (fit.height, fit.width)
    assert depth.dtype == edges.dtype == np.uint8


def test_near_pixels_are_bright() -> None:
    """The estimator's larger is nearer, and nothing is turned round: a lamp in front of a dark wall comes out white."""
    photo = black(300, 400)
    photo[100:200, 150:250] = 255
    depth = run(EstimateDepth(), {PHOTO: photo}, {DEPTH_ESTIMATOR: FakeDepth()})[DEPTH]
    height, width = depth.shape
    assert depth[height // 2, width // 2] == 255
    assert depth[2, 2] == 0


@settings(deadline=None)
@given(st.floats(0.01, 1e4), st.floats(-10, 10))
def test_the_depth_picture_does_not_depend_on_the_scale(scale: float, shift: float) -> None:
    ramp = np.linspace(0, 1, 1000, dtype=np.float32).reshape(20, 50)
    other = depth_to_grey(((ramp + shift) * scale).astype(np.float32))
    assert np.abs(other.astype(int) - depth_to_grey(ramp)).max() <= 1
    assert depth_to_grey(ramp)[0, 0] == 0
    assert depth_to_grey(ramp)[-1, -1] == 255


@pytest.mark.parametrize("value", [0.0, 7.0, -3.0, np.nan, np.inf])
def test_flat_depth_is_middle_grey(value: float) -> None:
    assert np.unique(depth_to_grey(np.full((8, 8), value, np.float32))).tolist() == [128]


def test_outliers_do_not_set_the_depth_range() -> None:
    ramp = np.linspace(0, 1, 10_000, dtype=np.float32).reshape(100, 100)
    wild = ramp.copy()
    wild[50, 50], wild[0, 0] = 1e6, np.nan
    assert np.abs(depth_to_grey(wild).astype(int) - depth_to_grey(ramp))[1:50].max() <= 1


def test_edges_are_where_the_photo_changes() -> None:
    photo = black(256, 256)
    photo[:, 128:] = 220
    edges = run(FindEdges(), {PHOTO: photo})[EDGES]
    assert set(np.unique(edges)) == {0, 255}
    columns = np.flatnonzero(edges.any(axis=0))
    assert columns.size
    assert np.abs(columns - 127.5).max() <= 2
    assert not run(FindEdges(), {PHOTO: black(250, 251)})[EDGES].any()
