"""Stage cache: the stages that a second job with the same photo skips."""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from darkroom.contract.params import RestyleRoomParams
from darkroom.contract.results import FoundObject, ModelUsed
from pipeline.core.arrays import Rgb
from pipeline.core.networks import LoadedNetworks, Network
from pipeline.core.stage_cache import StageCache, StageOutput
from pipeline.core.stages import Plan, StageContext
from pipeline.models.interfaces import Detection
from pipeline.models.workflows import restyle_room
from tests.pipeline.core.stage_cache_fakes import (
    FOUND,
    CacheHarness,
    FakeNetworkProvider,
    FindStage,
    LoadStage,
    RecordingReporter,
)


@pytest.fixture
def harness(tmp_path: Path) -> CacheHarness:
    return CacheHarness(tmp_path)


def test_a_second_style_of_one_photo_runs_only_the_stages_that_depend_on_it(harness: CacheHarness) -> None:
    first, first_work = harness.job(style="modern")
    second, second_work = harness.job(style="boho")
    assert (harness.find.runs, harness.restyle.runs) == (1, 2)
    assert [(time.stage, time.cached) for time in first.timeline] == [
        ("load", False),
        ("find", False),
        ("restyle", False),
    ]
    assert [(time.stage, time.cached) for time in second.timeline] == [
        ("load", False),
        ("find", True),
        ("restyle", False),
    ]
    assert np.array_equal(first_work[FOUND], second_work[FOUND])
    assert second.timeline[1].seconds == 0


def test_a_cached_result_equals_a_computed_one(harness: CacheHarness) -> None:
    first, _ = harness.job()
    second, _ = harness.job()
    assert second.notes == first.notes == ("Found with care.", "Restyled.")
    assert second.models == first.models == (ModelUsed(id="eye", revision="r1"),)
    assert harness.reporter.progress == pytest.approx([0, 0.2, 0.2, 0.5, 0.5, 1])


@pytest.mark.parametrize(
    "other",
    [
        {"photo": b"another"},
        {"keep": ("couch",)},
        {"provider": FakeNetworkProvider(revision="r2")},
        {"provider": FakeNetworkProvider(long_side=512)},
    ],
)
def test_every_input_of_a_stage_changes_its_cache_key(harness: CacheHarness, other: dict[str, Any]) -> None:
    harness.job()
    harness.job(**other)
    assert harness.find.runs == 2


def test_a_stage_without_declared_params_disables_caching_after_it(harness: CacheHarness, tmp_path: Path) -> None:
    class UndeclaredParams(LoadStage):
        depends_on_params = None

    harness.plan = Plan(Kind.RESTYLE_ROOM, Engine.MODELS, ((UndeclaredParams(), 0.2), (harness.find, 0.8)))
    harness.job()
    harness.job()
    assert harness.find.runs == 2


def test_a_dependency_on_an_unknown_param_raises(harness: CacheHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FindStage, "depends_on_params", ("keeps",))
    with pytest.raises(DarkroomError) as error:
        harness.job()
    assert error.value.detail.code is ErrorCode.INTERNAL


class RecordedParams(RestyleRoomParams):
    """Params that record every read."""

    def __getattribute__(self, name: str) -> Any:
        if name in RestyleRoomParams.model_fields:
            READ.add(name)
        return super().__getattribute__(name)


READ: set[str] = set()


class Networks(FakeNetworkProvider):
    """All perception networks in one, with an output for any photo."""

    def use(self, *networks: Network[Any]) -> AbstractContextManager[LoadedNetworks]:
        return nullcontext(LoadedNetworks(dict.fromkeys(networks, self)))

    def detect(self, _photo: Rgb) -> list[Detection]:
        return [Detection("couch", (0, 0, 20, 20), 0.9), Detection("person", (5, 5, 30, 30), 0.8)]

    def segment(self, _photo: Rgb, boxes: Sequence[Any]) -> np.ndarray:
        return np.ones((len(boxes), 8, 8), np.float32)

    def probabilities(self, _photo: Rgb, captions: Sequence[str]) -> np.ndarray:
        return np.full(len(captions), 1 / len(captions), np.float32)

    def estimate(self, photo: Rgb) -> np.ndarray:
        return photo[..., 0].astype(np.float32)


def test_the_engines_stages_read_only_their_declared_params(sample_path: Path, tmp_path: Path) -> None:
    context = StageContext(
        RecordedParams(style="modern", keep=("couch",)), {"photo": sample_path}, tmp_path, network_provider=Networks()
    )
    known = [stage for stage, _ in restyle_room.plan().steps if stage.depends_on_params is not None]
    for stage in known:
        READ.clear()
        context.enter_stage(stage)
        stage.run(context)
        assert set(stage.depends_on_params or ()) >= READ, (
            f"{stage.name} would be taken from the cache although they differ"
        )
    assert {"detect", "segment", "classify", "depth", "edges"} <= {stage.name for stage in known if stage.cacheable}


def test_a_failed_stage_is_not_cached(harness: CacheHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: FindStage, _context: StageContext) -> None:
        raise DarkroomError(ErrorCode.OUT_OF_MEMORY, "Too large.")

    with monkeypatch.context() as patch:
        patch.setattr(FindStage, "run", fail)
        with pytest.raises(DarkroomError):
            harness.job()
    harness.job()
    assert harness.find.runs == 1


def test_a_cached_output_does_not_wait_for_the_compute_slot(tmp_path: Path) -> None:
    slot = threading.Semaphore()
    harness = CacheHarness(tmp_path, slot=slot)
    harness.job()
    with slot:
        harness.job(style="boho")
    assert harness.find.runs == 1


def test_a_job_that_waited_for_the_slot_uses_the_other_jobs_output(tmp_path: Path) -> None:
    slot, cache = threading.Semaphore(), StageCache()
    harness, neighbour = CacheHarness(tmp_path, cache, slot), CacheHarness(tmp_path / "..", cache)
    slot.acquire()
    waiting = threading.Event()

    class Waiting(RecordingReporter):
        def check(self) -> None:
            waiting.set()

    path = tmp_path / "same"
    path.write_bytes(b"photo")
    context = StageContext(
        RestyleRoomParams(style="modern"), {"photo": path}, tmp_path, network_provider=FakeNetworkProvider()
    )
    thread = threading.Thread(target=harness.runner.run, args=(harness.plan, context, Waiting()))
    thread.start()
    assert waiting.wait(30)
    neighbour.folder = tmp_path
    neighbour.job()
    slot.release()
    thread.join(30)
    assert (neighbour.find.runs, harness.find.runs) == (1, 0)


def test_cached_arrays_are_read_only(harness: CacheHarness) -> None:
    _, context = harness.job()
    with pytest.raises(ValueError, match="read-only"):
        context[FOUND][0, 0] = 1


def output_of(*values: Any) -> StageOutput:
    return StageOutput({str(index): value for index, value in enumerate(values)})


def kilobytes(count: int) -> np.ndarray:
    return np.zeros(count * 1000, np.uint8)


def test_the_least_recently_used_output_is_evicted() -> None:
    cache = StageCache(budget=35_000)
    for name in ("a", "b", "c"):
        cache.put(name, output_of(kilobytes(10)))
    assert cache.get("a")
    cache.put("d", output_of(kilobytes(10)))
    assert [name for name in "abcd" if cache.get(name)] == ["a", "c", "d"]


def test_a_replaced_output_is_counted_once() -> None:
    cache = StageCache(budget=35_000)
    for _ in range(5):
        cache.put("a", output_of(kilobytes(10)))
    cache.put("b", output_of(kilobytes(10)))
    assert cache.get("a")
    assert cache.get("b")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda array: array,
        lambda array: (array,),
        lambda array: {"mask": [array]},
        lambda array: StageOutput({"nested": array}),
        lambda array: array[:1],
    ],
)
def test_arrays_are_counted_at_any_depth(wrap: Callable[[np.ndarray], Any]) -> None:
    cache = StageCache(budget=35_000)
    cache.put("small", output_of(1, None, "word", FoundObject(label="sofa", box=(0, 0, 1, 1), score=1, area=1)))
    cache.put("large", output_of(wrap(kilobytes(40))))
    assert cache.get("large") is None, "more than the whole budget"
    assert cache.get("small"), "what fits was thrown out for what does not"
    cache.put("shared", output_of(*[wrap(kilobytes(10))] * 9))
    assert cache.get("shared"), "one array was counted nine times"
