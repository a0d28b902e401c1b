"""Stage cache: which work a second job with the same photo skips, and which not."""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import RestyleRoomParams
from darkroom.contract.requests import Kind
from darkroom.contract.results import FoundObject, ModelUsed
from pipeline.core.arrays import Rgb
from pipeline.core.networks import LoadedNetworks, Network
from pipeline.core.stage_cache import StageCache, StageOutput
from pipeline.core.stages import Plan, StageContext
from pipeline.models.interfaces import Detection
from pipeline.models.workflows import restyle_room
from tests.pipeline.core.stage_cache_fakes import FOUND, Desk, Find, Load, Rack, Told


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_second_style_of_one_photo_only_does_what_the_style_decides(desk: Desk) -> None:
    first, first_work = desk.job(style="modern")
    second, second_work = desk.job(style="boho")
    assert (desk.find.runs, desk.restyle.runs) == (1, 2)
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


def test_a_result_from_the_cache_says_the_same_as_one_made_anew(desk: Desk) -> None:
    first, _ = desk.job()
    second, _ = desk.job()
    assert second.notes == first.notes == ("Found with care.", "Restyled.")
    assert second.models == first.models == (ModelUsed(id="eye", revision="r1"),)
    assert desk.told.progress == pytest.approx([0, 0.2, 0.2, 0.5, 0.5, 1])


@pytest.mark.parametrize(
    "other",
    [
        {"photo": b"another"},
        {"keep": ("couch",)},
        {"rack": Rack(revision="r2")},
        {"rack": Rack(long_side=512)},
    ],
)
def test_what_decides_a_result_makes_it_another_one(desk: Desk, other: dict[str, Any]) -> None:
    desk.job()
    desk.job(**other)
    assert desk.find.runs == 2


def test_a_stage_of_which_nothing_is_known_keeps_what_follows_out_of_the_cache(desk: Desk, tmp_path: Path) -> None:
    class Opaque(Load):
        depends_on_params = None

    desk.plan = Plan(Kind.RESTYLE_ROOM, Engine.MODELS, ((Opaque(), 0.2), (desk.find, 0.8)))
    desk.job()
    desk.job()
    assert desk.find.runs == 2


def test_a_stage_that_depends_on_what_is_no_param_is_found_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Find, "depends_on_params", ("keeps",))
    with pytest.raises(DarkroomError) as error:
        desk.job()
    assert error.value.detail.code is ErrorCode.INTERNAL


class Noted(RestyleRoomParams):
    """Params that note who reads what."""

    def __getattribute__(self, name: str) -> Any:
        if name in RestyleRoomParams.model_fields:
            READ.add(name)
        return super().__getattribute__(name)


READ: set[str] = set()


class Networks(Rack):
    """Every network of the engine's first half in one, with something to say about any photo."""

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


def test_the_engines_stages_read_no_params_but_those_they_say(sample_path: Path, tmp_path: Path) -> None:
    context = StageContext(
        Noted(style="modern", keep=("couch",)), {"photo": sample_path}, tmp_path, network_provider=Networks()
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


def test_a_failed_stage_leaves_nothing_behind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: Find, _work: StageContext) -> None:
        raise DarkroomError(ErrorCode.OUT_OF_MEMORY, "Too large.")

    with monkeypatch.context() as patch:
        patch.setattr(Find, "run", fail)
        with pytest.raises(DarkroomError):
            desk.job()
    desk.job()
    assert desk.find.runs == 1


def test_what_is_known_does_not_wait_for_the_compute_slot(tmp_path: Path) -> None:
    slot = threading.Semaphore()
    desk = Desk(tmp_path, slot=slot)
    desk.job()
    with slot:
        desk.job(style="boho")
    assert desk.find.runs == 1


def test_a_job_that_waited_for_its_turn_takes_what_the_other_made_meanwhile(tmp_path: Path) -> None:
    slot, cache = threading.Semaphore(), StageCache()
    desk, neighbour = Desk(tmp_path, cache, slot), Desk(tmp_path / "..", cache)
    slot.acquire()
    waiting = threading.Event()

    class Waiting(Told):
        def check(self) -> None:
            waiting.set()

    path = tmp_path / "same"
    path.write_bytes(b"photo")
    context = StageContext(RestyleRoomParams(style="modern"), {"photo": path}, tmp_path, network_provider=Rack())
    thread = threading.Thread(target=desk.runner.run, args=(desk.plan, context, Waiting()))
    thread.start()
    assert waiting.wait(30)
    neighbour.folder = tmp_path
    neighbour.job()
    slot.release()
    thread.join(30)
    assert (neighbour.find.runs, desk.find.runs) == (1, 0)


def test_what_is_kept_cannot_be_changed(desk: Desk) -> None:
    _, context = desk.job()
    with pytest.raises(ValueError, match="read-only"):
        context[FOUND][0, 0] = 1


def made(*values: Any) -> StageOutput:
    return StageOutput({str(index): value for index, value in enumerate(values)})


def kilobytes(count: int) -> np.ndarray:
    return np.zeros(count * 1000, np.uint8)


def test_the_least_recently_used_makes_room() -> None:
    cache = StageCache(budget=35_000)
    for name in ("a", "b", "c"):
        cache.put(name, made(kilobytes(10)))
    assert cache.get("a")
    cache.put("d", made(kilobytes(10)))
    assert [name for name in "abcd" if cache.get(name)] == ["a", "c", "d"]


def test_what_is_put_in_again_takes_its_place_once() -> None:
    cache = StageCache(budget=35_000)
    for _ in range(5):
        cache.put("a", made(kilobytes(10)))
    cache.put("b", made(kilobytes(10)))
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
def test_arrays_are_counted_wherever_they_lie(wrap: Callable[[np.ndarray], Any]) -> None:
    cache = StageCache(budget=35_000)
    cache.put("small", made(1, None, "word", FoundObject(label="sofa", box=(0, 0, 1, 1), score=1, area=1)))
    cache.put("large", made(wrap(kilobytes(40))))
    assert cache.get("large") is None, "more than the whole budget"
    assert cache.get("small"), "what fits was thrown out for what does not"
    cache.put("shared", made(*[wrap(kilobytes(10))] * 9))
    assert cache.get("shared"), "one array was counted nine times"
