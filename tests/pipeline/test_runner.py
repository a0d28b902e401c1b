"""Stage runner: progress, time, cancellation, deadline, declarations, and compute slots."""

import gc
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import RestyleRoomParams, Room
from darkroom.contract.requests import Kind
from darkroom.contract.results import FoundObject, ModelUsed, Quality, RecognisedRoom, StageTime
from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import OBJECTS, QUALITY, ROOM, SAVED, SEED, SavedPicture
from pipeline.core.networks import LoadedNetworks, Network, NetworkProvider
from pipeline.core.runner import Runner, noop_plan
from pipeline.core.stages import Artifact, JobAbandoned, Plan, Slot, Stage, StageContext

EARLY: Artifact[object] = Artifact("early", "anything")
LATE: Artifact[object] = Artifact("late", "anything")
EYE: Network[str] = Network("eye", ("detector",), "nowhere:load")
HAND: Network[str] = Network("hand", ("diffusion",), "nowhere:load")
Do = Callable[[StageContext], None]


class Told:
    """A reporter that remembers, and stops the job once ``stop`` says so."""

    def __init__(self, stop: Callable[[], bool] = lambda: False) -> None:
        self.progress: list[float] = []
        self.said: list[tuple[str, str]] = []
        self.timelines: list[tuple[StageTime, ...]] = []
        self.looks: list[Rgb] = []
        self.stop = stop

    def report(self, progress: float, stage: str, message: str, timeline: Sequence[StageTime]) -> None:
        self.check()
        self.progress.append(progress)
        self.said.append((stage, message))
        self.timelines.append(tuple(timeline))

    def check(self) -> None:
        if self.stop():
            raise JobAbandoned

    def report_progress_image(self, picture: Rgb) -> None:
        self.looks.append(picture)


class Rack:
    """Models of which only the memory matters: ``held`` is what fills it, ``freed`` counts calls."""

    long_side = 768

    def __init__(self) -> None:
        self.freed: list[bool] = []
        self.filler: weakref.ref[Any] | None = None

    def use(self, *networks: Network[Any]) -> AbstractContextManager[LoadedNetworks]:
        return nullcontext(LoadedNetworks({network: network.name for network in networks}))

    def release_idle(self) -> None:
        self.freed.append(self.filler is None or self.filler() is None)

    def check(self, networks: Sequence[Network[Any]]) -> None:
        pass

    def used(self, networks: Sequence[Network[Any]]) -> tuple[ModelUsed, ...]:
        return tuple(ModelUsed(id=network.name, revision="r1") for network in networks)

    def digest(self, networks: Sequence[Network[Any]]) -> str:
        return ",".join(network.name for network in networks)


def stage(
    do: Do,
    name: str = "only",
    *,
    slot: Slot = Slot.CPU,
    requires: tuple[Artifact[Any], ...] = (),
    provides: tuple[Artifact[Any], ...] = (),
    networks: tuple[Network[Any], ...] = (),
) -> Stage:
    body = {"name": name, "message": f"Doing {name}", "slot": slot, "requires": requires, "provides": provides}
    body["networks"] = networks
    made = type(f"{name.title()}Stage", (Stage,), {**body, "run": lambda _self, work: do(work)})
    return made()


def plan(*stages: Stage) -> Plan:
    return Plan(Kind.RESTYLE_ROOM, Engine.PREVIEW, tuple((each, 1 / len(stages)) for each in stages))


@pytest.fixture
def work(tmp_path: Path) -> StageContext:
    return new_work(tmp_path)


def new_work(folder: Path = Path(), models: NetworkProvider | None = None) -> StageContext:
    return StageContext(RestyleRoomParams(style="modern"), {}, folder, network_provider=models)


def nothing(_work: StageContext) -> None:
    pass


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0
        self.start = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds - 100)

    def runner(self) -> Runner:
        return Runner(clock=self, now=self.now)


def test_what_was_made_is_collected(work: StageContext, tmp_path: Path) -> None:
    picture = SavedPicture("result", tmp_path / "result.jpg", "image/jpeg", 4, 3)
    quality = Quality(structure=1, style=1, visual=1, score=1)

    def make(work: StageContext) -> None:
        work[SAVED] = (picture,)
        work[QUALITY] = quality
        work.notes.append("By hand.")

    clock = Clock()

    def take_two_seconds(work: StageContext) -> None:
        clock.seconds += 2

    steps = plan(stage(take_two_seconds, "wait"), stage(make, "make", provides=(SAVED, QUALITY)))
    finished = clock.runner().run(steps, work, Told())

    assert finished.files == (picture,)
    assert finished.quality == quality
    assert finished.engine is Engine.PREVIEW
    assert finished.models == ()
    assert finished.notes == ("By hand.",)
    assert finished.timeline == (StageTime(stage="wait", seconds=2), StageTime(stage="make", seconds=0))


def test_what_was_recognised_and_which_models_took_part_is_collected(tmp_path: Path) -> None:
    sofa = FoundObject(label="sofa", box=(0, 0, 2, 2), score=0.9, area=0.5)
    kitchen = RecognisedRoom(room=Room.KITCHEN, confidence=0.8, sure=True)

    def look(work: StageContext) -> None:
        with work.use_networks(EYE) as held:
            assert held[EYE] == "eye"
        work[OBJECTS], work[ROOM] = (sofa,), kitchen

    def make(work: StageContext) -> None:
        with work.use_networks(HAND, EYE):
            work[SEED] = 7

    steps = plan(
        stage(look, "look", provides=(OBJECTS, ROOM), networks=(EYE,)),
        stage(make, "make", provides=(SEED,), networks=(EYE, HAND)),
    )
    finished = Runner().run(steps, new_work(tmp_path, Rack()), Told())
    assert (finished.objects, finished.room, finished.seed) == ((sofa,), kitchen, 7)
    assert [model.id for model in finished.models] == ["eye", "hand"]


def test_looks_at_the_picture_reach_the_reporter_only_while_the_job_runs(work: StageContext) -> None:
    told, grey = Told(), np.zeros((2, 3, 3), np.uint8)
    Runner().run(plan(stage(lambda work: work.report_progress_image(grey))), work, told)
    work.report_progress_image(grey)
    assert len(told.looks) == 1
    assert told.looks[0] is grey


def test_a_plan_without_stages_completes_without_pictures(work: StageContext) -> None:
    finished = Runner().run(noop_plan(Kind.UPSCALE, Engine.PREVIEW), work, Told())
    assert (finished.files, finished.timeline) == ((), ())


def test_progress_follows_the_shares_and_starts_where_the_last_attempt_ended(work: StageContext) -> None:
    told = Told()
    halfway = stage(lambda work: work.report(0.5, "Half of it"), "first")
    steps = Plan(Kind.RESTYLE_ROOM, Engine.PREVIEW, ((halfway, 0.8), (stage(nothing, "second"), 0.2)))
    Runner().run(steps, work, told, span=(0.5, 1.0))

    assert told.progress == pytest.approx([0.5, 0.7, 0.9, 0.9, 1.0])
    assert told.said[0] == ("first", "Doing first")
    assert told.said[1] == ("first", "Half of it")
    assert told.said[-1] == ("second", "Doing second")
    assert [time.stage for time in told.timelines[-1]] == ["first", "second"]


@given(
    reports=st.lists(st.lists(st.floats(), max_size=5), min_size=1, max_size=5),
    start=st.floats(0, 1),
    end=st.floats(0, 1),
)
def test_progress_never_falls_whatever_stages_say(reports: list[list[float]], start: float, end: float) -> None:
    told = Told()

    def saying(fractions: list[float]) -> Do:
        def do(work: StageContext) -> None:
            for fraction in fractions:
                work.report(fraction)

        return do

    steps = plan(*(stage(saying(fractions), f"stage{index}") for index, fractions in enumerate(reports)))
    Runner().run(steps, new_work(), told, span=(start, end))

    assert told.progress == sorted(told.progress)
    assert told.progress[0] >= start
    assert told.progress[-1] <= max(start, end) + 1e-9


def test_a_cancelled_job_stops_between_stages(work: StageContext) -> None:
    cancelled = threading.Event()
    ran: list[str] = []
    steps = plan(stage(lambda _: cancelled.set(), "first"), stage(lambda _: ran.append("second"), "second"))
    with pytest.raises(JobAbandoned):
        Runner().run(steps, work, Told(cancelled.is_set))
    assert ran == []


def test_a_cancelled_job_stops_at_the_stages_next_report(work: StageContext) -> None:
    cancelled = threading.Event()
    steps_done: list[int] = []
    timeline: list[StageTime] = []

    def denoise(work: StageContext) -> None:
        for step in range(10):
            work.report(step / 10)
            steps_done.append(step)
            if step == 3:
                cancelled.set()

    with pytest.raises(JobAbandoned):
        Runner().run(plan(stage(denoise)), work, Told(cancelled.is_set), timeline=timeline)
    assert steps_done == [0, 1, 2, 3]
    assert [time.stage for time in timeline] == ["only"]


def test_a_job_past_its_deadline_times_out_within_a_stage(work: StageContext) -> None:
    clock = Clock()
    timeline: list[StageTime] = []

    def slow(work: StageContext) -> None:
        for _ in range(10):
            clock.seconds += 4
            work.report(0.1)

    with pytest.raises(DarkroomError) as error:
        clock.runner().run(
            plan(stage(slow, "slow")), work, Told(), clock.now() + timedelta(seconds=10), timeline=timeline
        )
    assert error.value.detail.code is ErrorCode.TIMED_OUT
    assert error.value.detail.retryable
    assert timeline == [StageTime(stage="slow", seconds=12)]


def test_a_job_that_is_late_from_the_start_does_nothing(work: StageContext) -> None:
    clock = Clock()
    ran: list[str] = []
    with pytest.raises(DarkroomError, match="time was up"):
        clock.runner().run(plan(stage(lambda _: ran.append("ran"))), work, Told(), clock.now())
    assert ran == []


def test_a_stages_own_error_is_passed_on(work: StageContext) -> None:
    def fail(_work: StageContext) -> None:
        raise DarkroomError(ErrorCode.NO_FACE, "There is no face.")

    with pytest.raises(DarkroomError, match="no face") as error:
        Runner().run(plan(stage(fail)), work, Told())
    assert error.value.detail.code is ErrorCode.NO_FACE


def test_an_unexpected_error_names_the_stage_and_tells_only_the_log(
    work: StageContext, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_work: StageContext) -> None:
        raise ZeroDivisionError("secret detail")

    with pytest.raises(DarkroomError) as error:
        Runner().run(plan(stage(fail, "depth")), work, Told())
    assert error.value.detail.code is ErrorCode.INTERNAL
    assert "depth" in error.value.detail.message
    assert "secret" not in error.value.detail.message
    assert "secret detail" in caplog.text


@pytest.mark.parametrize("kind", [MemoryError, type("OutOfMemoryError", (RuntimeError,), {})])
def test_out_of_memory_is_its_own_code(work: StageContext, kind: type[Exception]) -> None:
    def fail(_work: StageContext) -> None:
        raise kind

    with pytest.raises(DarkroomError) as error:
        Runner().run(plan(stage(fail)), work, Told())
    assert error.value.detail.code is ErrorCode.OUT_OF_MEMORY
    assert error.value.detail.retryable


def out_of_memory_within(work: StageContext, rack: Rack, *, known: bool) -> None:
    class Filler:
        pass

    def attempt() -> None:
        filler = Filler()
        rack.filler = weakref.ref(filler)
        raise MemoryError

    try:
        attempt()
    except MemoryError as error:
        if known:
            raise DarkroomError(ErrorCode.OUT_OF_MEMORY, "Too large, also at half the size.") from error
        raise


@pytest.mark.parametrize("known", [True, False])
def test_after_running_out_of_memory_nothing_of_the_job_holds_on_to_it(tmp_path: Path, known: bool) -> None:
    rack = Rack()
    steps = plan(stage(lambda work: out_of_memory_within(work, rack, known=known)))
    with pytest.raises(DarkroomError) as error:
        Runner().run(steps, new_work(tmp_path, rack), Told())
    assert error.value.detail.code is ErrorCode.OUT_OF_MEMORY
    assert rack.freed == [True]


def test_memory_is_left_alone_after_other_failures(tmp_path: Path) -> None:
    rack = Rack()

    def fail(_work: StageContext) -> None:
        raise DarkroomError(ErrorCode.NO_FACE, "There is no face.")

    with pytest.raises(DarkroomError):
        Runner().run(plan(stage(fail)), new_work(tmp_path, rack), Told())
    assert rack.freed == []


def test_opencvs_out_of_memory_is_too(work: StageContext) -> None:
    cv2 = pytest.importorskip("cv2")
    numpy = pytest.importorskip("numpy")

    def fail(_work: StageContext) -> None:
        cv2.resize(numpy.zeros((1, 1), numpy.uint8), (2**31 - 2, 2**20))

    with pytest.raises(DarkroomError) as error:
        Runner().run(plan(stage(fail)), work, Told())
    assert error.value.detail.code is ErrorCode.OUT_OF_MEMORY


def read_undeclared(work: StageContext) -> None:
    work[EARLY]


def write_undeclared(work: StageContext) -> None:
    work[LATE] = 1


@pytest.mark.parametrize(("do", "provides"), [(read_undeclared, ()), (write_undeclared, ()), (nothing, (LATE,))])
def test_declarations_are_enforced(
    work: StageContext, do: Do, provides: tuple[Artifact[Any], ...], caplog: pytest.LogCaptureFixture
) -> None:
    def give(work: StageContext) -> None:
        work[EARLY] = 1

    steps = plan(stage(give, "give", provides=(EARLY,)), stage(do, "wrong", provides=provides))
    with pytest.raises(DarkroomError) as error:
        Runner().run(steps, work, Told())
    assert error.value.detail.code is ErrorCode.INTERNAL
    assert "wrong" in caplog.text


def test_what_nobody_reads_any_more_is_let_go(work: StageContext) -> None:
    class Big:
        pass

    seen: list[tuple[bool, bool]] = []
    big = weakref.WeakValueDictionary[str, Big]()

    def give(work: StageContext) -> None:
        for artifact in (EARLY, LATE):
            big[artifact.name] = value = Big()
            work[artifact] = value

    def look(_work: StageContext) -> None:
        gc.collect()
        seen.append(("early" in big, "late" in big))

    steps = plan(
        stage(give, "give", provides=(EARLY, LATE)),
        stage(look, "reads", requires=(EARLY, LATE)),
        stage(look, "reads_late", requires=(LATE,)),
        stage(look, "reads_none"),
    )
    Runner().run(steps, work, Told())
    assert seen == [(True, True), (False, True), (False, False)]


def test_results_of_the_plan_are_kept(work: StageContext) -> None:
    def give(work: StageContext) -> None:
        work[LATE] = "kept"

    steps = Plan(Kind.UPSCALE, Engine.PREVIEW, ((stage(give, provides=(LATE,)), 1.0),), results=(LATE,))
    Runner().run(steps, work, Told())
    assert work[LATE] == "kept"


def test_one_job_loads_while_another_computes_but_only_one_computes(tmp_path: Path) -> None:
    runner = Runner()
    computing, loaded, release = threading.Event(), threading.Event(), threading.Event()
    order: list[str] = []

    def first_compute(_work: StageContext) -> None:
        computing.set()
        assert loaded.wait(30), "the second job did not load while the first computed"
        release.wait(30)
        order.append("first")

    def second_load(_work: StageContext) -> None:
        assert computing.wait(30)
        loaded.set()

    def second_compute(_work: StageContext) -> None:
        order.append("second")

    waiting = threading.Event()

    class SecondTold(Told):
        def check(self) -> None:
            # Asked again and again while the compute slot is taken.
            if loaded.is_set() and self.said[-1:] == [("compute", "Doing compute")]:
                waiting.set()

    first = plan(stage(first_compute, "compute", slot=Slot.COMPUTE))
    second = plan(stage(second_load, "load"), stage(second_compute, "compute", slot=Slot.COMPUTE))
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(runner.run, first, new_work(tmp_path), Told()),
            pool.submit(runner.run, second, new_work(tmp_path), SecondTold()),
        ]
        assert waiting.wait(30)
        assert order == []
        release.set()
        for run in runs:
            run.result(30)
    assert order == ["first", "second"]


def test_a_job_waiting_for_the_slot_can_be_cancelled(work: StageContext) -> None:
    slot = threading.Semaphore()
    cancelled = threading.Event()

    class Cancelling(Told):
        def report(self, progress: float, stage: str, message: str, timeline: Sequence[StageTime]) -> None:
            super().report(progress, stage, message, timeline)
            cancelled.set()

    with slot, pytest.raises(JobAbandoned):
        Runner(slot).run(plan(stage(nothing, slot=Slot.COMPUTE)), work, Cancelling(cancelled.is_set))
    assert slot.acquire(blocking=False)


def test_a_stage_that_does_without_its_networks_waits_for_nobody(work: StageContext) -> None:
    network: Network[object] = Network("animator", (), "nowhere:load")

    class Sparing(Stage):
        name, message, slot, networks, spared = "scenes", "Making the scenes", Slot.COMPUTE, (network,), (network,)

        def required_networks(self, _params: BaseModel, /) -> tuple[Network[object], ...]:
            return ()

        def run(self, work: StageContext) -> None:
            work.report(1)

    slot = threading.Semaphore()
    with slot:
        Runner(slot).run(plan(Sparing()), work, Told())


def test_the_slot_is_free_again_after_a_failure(work: StageContext) -> None:
    slot = threading.Semaphore()

    def fail(_work: StageContext) -> None:
        raise DarkroomError(ErrorCode.NO_FACE, "There is no face.")

    with pytest.raises(DarkroomError):
        Runner(slot).run(plan(stage(fail, slot=Slot.COMPUTE)), work, Told())
    assert slot.acquire(blocking=False)
