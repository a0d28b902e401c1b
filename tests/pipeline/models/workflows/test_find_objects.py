"""``find_objects`` and ``keep_at`` on the models engine: later requests reuse the cached detections."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.params import FindObjectsParams, Params, RestyleRoomParams
from pipeline.core.artifacts import OBJECTS, PHOTO
from pipeline.core.networks import LoadedNetworks
from pipeline.core.runner import PlanResult, Runner
from pipeline.core.stage_cache import StageCache
from pipeline.core.stages import Plan, Stage, StageContext
from pipeline.imaging.outlines import MAX_OBJECTS, contains_point
from pipeline.models.artifacts import DETECTIONS, KEEP_MASK, MASK_LOGITS, MaskLogits
from pipeline.models.interfaces import Detection
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.models.stages.keep import BuildKeepMask
from pipeline.models.workflows import find_objects, restyle_room
from pipeline.models.workflows.find_objects import ListObjects
from pipeline.plans import get_plan
from pipeline.weights.store import WeightStore

COUCH = Detection("couch", (20, 20, 180, 90), 0.9)
CAT = Detection("cat", (60, 30, 100, 60), 0.8)
TV = Detection("tv", (150, 5, 195, 35), 0.7)


class SilentReporter:
    """Reporter that ignores all calls."""

    def report(self, *_arguments: object) -> None: ...

    def check(self) -> None: ...

    def report_progress_image(self, _picture: object) -> None: ...


class Networks:
    """Detector and segmenter in one; ``uses`` records each use."""

    long_side = 256

    def __init__(self, *found: Detection) -> None:
        self.found = found
        self.uses = 0

    def use(self, *networks: Any) -> Any:
        self.uses += 1
        return nullcontext(LoadedNetworks(dict.fromkeys(networks, self)))

    def models_used(self, _networks: object) -> tuple[()]:
        return ()

    def release_idle(self) -> None: ...

    def check_weights(self, _networks: object) -> None: ...

    def digest(self, networks: Any) -> str:
        return ",".join(network.name for network in networks)

    def detect(self, _photo: object) -> tuple[Detection, ...]:
        return self.found

    def segment(self, photo: NDArray[np.uint8], boxes: Any) -> NDArray[np.float32]:
        return np.stack([ellipse(photo.shape[:2], box) for box in boxes])


def ellipse(shape: tuple[int, ...], box: Any, size: int = 64) -> NDArray[np.float32]:
    """Logits of the ellipse within a box, on a map of size×size over a photo of ``shape``."""
    rows, columns = (np.mgrid[:size, :size] + 0.5) / size
    left, top, right, bottom = box[0] / shape[1], box[1] / shape[0], box[2] / shape[1], box[3] / shape[0]
    across, down = (columns * 2 - left - right) / (right - left), (rows * 2 - top - bottom) / (bottom - top)
    return (1 - across**2 - down**2).astype(np.float32)


def context_after(stage: Stage, params: Params, *found: Detection, height: int = 100, width: int = 200) -> StageContext:
    """Return the context after a stage, given the networks' outputs."""
    context = StageContext(params, {}, Path())
    context[PHOTO] = np.zeros((height, width, 3), np.uint8)
    context[DETECTIONS] = found
    logits = np.array([ellipse((height, width), each.box) for each in found]).reshape(len(found), *[64] * 2)
    context[MASK_LOGITS] = MaskLogits(logits.astype(np.float16))
    context.enter_stage(stage)
    stage.run(context)
    context.enter_stage(None)
    return context


def keeping(*points: tuple[float, float], **params: Any) -> StageContext:
    restyle_params = RestyleRoomParams.model_validate({"style": "modern", "keep_at": points, **params})
    return context_after(BuildKeepMask(), restyle_params, COUCH, CAT, TV)


def test_the_smallest_object_at_a_point_is_kept() -> None:
    context = keeping((0.4, 0.45))
    assert {each.label for each in context[OBJECTS] if each.kept} == {"cat"}
    assert context[KEEP_MASK] is not None
    assert context[KEEP_MASK][45, 80]
    assert not context[KEEP_MASK][55, 140], "the couch that it lies on is not"
    assert context.notes == []


def test_points_and_names_are_combined() -> None:
    context = keeping((0.86, 0.2), (0.75, 0.55), keep=["cat"])
    assert {each.label for each in context[OBJECTS] if each.kept} == {"couch", "cat", "tv"}


def test_a_point_without_an_object_adds_a_note() -> None:
    context = keeping((0.02, 0.98))
    assert context[KEEP_MASK] is None
    assert context.notes == ["Nothing was found to keep at 0.02, 0.98."]


def test_outlines_match_the_masks() -> None:
    big = Detection("couch", (200, 200, 1800, 900), 0.9)
    couch = context_after(ListObjects(), FindObjectsParams(), big, height=1000, width=2000)[OBJECTS][0]
    for x in range(50, 2000, 150):
        for y in range(50, 1000, 150):
            radius = np.hypot((x - 1000) / 800, (y - 550) / 350)
            if abs(radius - 1) > 0.05:
                assert contains_point(couch.outlines, x, y) is bool(radius < 1)


def test_a_crowd_is_limited_to_the_largest_with_a_note() -> None:
    crowd = [Detection("book", (4.0 * i, 10, 4 * i + 3 + i / 20, 40 + i), 0.5) for i in range(40)]
    context = context_after(ListObjects(), FindObjectsParams(), *crowd)
    assert len(context[OBJECTS]) == MAX_OBJECTS
    assert context.notes == ["40 things were found; these are the largest 24."]
    areas = [each.area for each in context[OBJECTS]]
    assert areas == sorted(areas, reverse=True)


def test_a_photo_without_objects_adds_a_note() -> None:
    context = context_after(ListObjects(), FindObjectsParams())
    assert context[OBJECTS] == ()
    assert context.notes == ["Nothing was found in this photo."]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.effect_noise((200, 100), 40).convert("RGB").save(path)
    return path


def test_restyling_the_same_photo_uses_the_cached_detections(picture: Path, tmp_path: Path) -> None:
    networks, runner = Networks(COUCH, CAT), Runner(cache=StageCache())
    seeing = Plan(
        Kind.RESTYLE_ROOM,
        Engine.MODELS,
        tuple((each, 0.25) for each, _ in restyle_room.plan().steps[:4]),
        (OBJECTS, KEEP_MASK),
    )

    def run(plan: Plan, params: Params) -> tuple[PlanResult, StageContext]:
        context = StageContext(params, {"photo": picture}, tmp_path, network_provider=networks)
        return runner.run(plan, context, SilentReporter()), context

    first, _ = run(find_objects.plan(), FindObjectsParams())
    assert networks.uses == 2
    assert [each.label for each in first.objects] == ["couch", "cat"]
    masks = []
    for point in ((0.4, 0.45), (0.75, 0.55)):
        finished, context = run(seeing, RestyleRoomParams(style="boho", keep_at=(point,)))
        assert {each.stage for each in finished.timeline if each.cached} == {"detect", "segment"}
        assert [each.outlines for each in finished.objects] == [each.outlines for each in first.objects]
        masks.append(context[KEEP_MASK])
    assert networks.uses == 2
    assert not np.array_equal(masks[0], masks[1])


def test_the_plan_runs_with_networks_in_their_real_layouts(tiny_weights: Path, picture: Path, tmp_path: Path) -> None:
    models = ModelManager(WeightStore(tiny_weights), Placement.for_device("cpu"))
    context = StageContext(FindObjectsParams(format="png"), {"photo": picture}, tmp_path, network_provider=models)
    finished = Runner().run(get_plan(Kind.FIND_OBJECTS, Engine.MODELS), context, SilentReporter())
    assert [each.name for each in finished.files] == ["result", "thumbnail"]
    assert {each.id for each in finished.models} <= {"yolo11n", "sam2.1-tiny"}
    assert len(finished.objects) <= MAX_OBJECTS
