"""Runner: the compute slot."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import BaseModel

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.networks import Network
from pipeline.core.runner import Runner
from pipeline.core.stages import Slot, Stage, StageContext
from tests.pipeline.core.runner.plans import RecordingReporter, new_context, plan, stage


def test_jobs_load_in_parallel_but_compute_one_at_a_time(tmp_path: Path) -> None:
    runner = Runner()
    computing, loaded, release = threading.Event(), threading.Event(), threading.Event()
    order: list[str] = []

    def first_compute(_context: StageContext) -> None:
        computing.set()
        assert loaded.wait(30), "the second job did not load while the first computed"
        release.wait(30)
        order.append("first")

    def second_load(_context: StageContext) -> None:
        assert computing.wait(30)
        loaded.set()

    def second_compute(_context: StageContext) -> None:
        order.append("second")

    waiting = threading.Event()

    class SecondReporter(RecordingReporter):
        def check(self) -> None:
            # Asked again and again while the compute slot is taken.
            if loaded.is_set() and self.messages[-1:] == [("compute", "Doing compute")]:
                waiting.set()

    first = plan(stage(first_compute, "compute", slot=Slot.COMPUTE))
    second = plan(stage(second_load, "load"), stage(second_compute, "compute", slot=Slot.COMPUTE))
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(runner.run, first, new_context(tmp_path), RecordingReporter()),
            pool.submit(runner.run, second, new_context(tmp_path), SecondReporter()),
        ]
        assert waiting.wait(30)
        assert order == []
        release.set()
        for run in runs:
            run.result(30)
    assert order == ["first", "second"]


def test_a_stage_without_required_networks_does_not_wait_for_the_slot(context: StageContext) -> None:
    network: Network[object] = Network("animator", (), "nowhere:load")

    class WithoutNetworks(Stage):
        name, message, slot, networks, optional_networks = (
            "scenes",
            "Making the scenes",
            Slot.COMPUTE,
            (network,),
            (network,),
        )

        def required_networks(self, _params: BaseModel, /) -> tuple[Network[object], ...]:
            return ()

        def run(self, context: StageContext) -> None:
            context.report(1)

    slot = threading.Semaphore()
    with slot:
        Runner(slot).run(plan(WithoutNetworks()), context, RecordingReporter())


def test_the_slot_is_free_again_after_a_failure(context: StageContext) -> None:
    slot = threading.Semaphore()

    def fail(_context: StageContext) -> None:
        raise DarkroomError(ErrorCode.NO_FACE, "There is no face.")

    with pytest.raises(DarkroomError):
        Runner(slot).run(plan(stage(fail, slot=Slot.COMPUTE)), context, RecordingReporter())
    assert slot.acquire(blocking=False)
