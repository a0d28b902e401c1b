"""Parallel tasks of one job, with shared progress, failures and cancellation."""

import threading

import numpy as np
import pytest

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import GenerateParams
from pipeline.core.stages import JobAbandoned, StageContext
from pipeline.scenes.parallel_scenes import SceneTask, run_scenes

LONG = 30  # seconds that no test ever waits


@pytest.fixture
def heard():
    return []


@pytest.fixture
def context(tmp_path, heard):
    return StageContext(GenerateParams(prompt="a kite"), {}, tmp_path, lambda *news: heard.append(news))


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def run(context, *tasks, **options):
    return run_scenes(context, tasks, stage="scenes", message=lambda done: f"{done} of {len(tasks)}", **options)


def until_stopped(bench):
    """Works until it is stopped."""
    never = threading.Event()
    while True:
        bench.report(0.5)
        never.wait(0.001)


def test_what_was_made_comes_in_the_order_of_the_tasks(context):
    gate = threading.Event()

    def late(_bench):
        assert gate.wait(LONG)
        return "late"

    def early(_bench):
        gate.set()
        return "early"

    assert run(context, SceneTask("one", 1, late), SceneTask("two", 1, early)) == ("late", "early")


@pytest.mark.parametrize("resource", ["cpu_slots", "device_slot"])
def test_no_more_take_their_turn_at_once_than_may(context, resource):
    running, most = set(), []

    def make(bench):
        with bench.acquire(getattr(bench.shared, resource)):
            running.add(bench)
            most.append(len(running))
            bench.report(0.5)
            running.remove(bench)

    run(context, *(SceneTask(str(number), 1, make) for number in range(8)), max_parallel=1)
    assert max(most) == 1


def test_the_processors_work_while_the_device_is_waited_for(context):
    drawn = threading.Event()

    def animate(bench):
        with bench.acquire(bench.shared.device_slot):
            assert drawn.wait(LONG)

    def draw(bench):
        with bench.acquire(bench.shared.cpu_slots):
            drawn.set()

    run(context, *(SceneTask("avatar", 1, animate) for _ in range(5)), SceneTask("image", 1, draw), max_parallel=1)
    assert drawn.is_set()


def test_progress_is_the_mean_by_weight_and_never_falls(context, heard):
    gate = threading.Event()

    def short(_bench):
        gate.set()

    def long(bench):
        assert gate.wait(LONG)
        bench.report(0.5)

    run(context, SceneTask("one", 1, short), SceneTask("two", 3, long))
    fractions = [fraction for fraction, _ in heard]
    assert fractions == sorted(fractions)
    assert set(fractions) <= {0, 0.25, 0.375, 0.625, 1}
    assert heard[-1] == (1.0, "2 of 2")


def test_looks_are_passed_on_by_the_jobs_own_thread(context, tmp_path):
    threads, shown = set(), []

    def show(picture):
        threads.add(threading.current_thread())
        shown.append(int(picture[0, 0, 0]))

    def make(level):
        def make(bench):
            bench.show_progress_image(np.full((2, 2, 3), level, np.uint8))

        return make

    context.enter_stage(None, report_progress_image=show)
    run(context, SceneTask("one", 1, make(1)), SceneTask("two", 1, make(2)))
    assert sorted(shown) == [1, 2]
    assert threads == {threading.current_thread()}


def test_a_failure_names_its_task_and_stops_the_others(context):
    def fail(_bench):
        raise DarkroomError(ErrorCode.NO_FACE, "No face was found.", retryable=True)

    with pytest.raises(DarkroomError) as caught:
        run(context, SceneTask("Scene 1", 1, until_stopped), SceneTask("Scene 2 (avatar)", 1, fail))
    detail = caught.value.detail
    assert (detail.code, detail.message, detail.retryable) == (
        ErrorCode.NO_FACE,
        "Scene 2 (avatar): No face was found.",
        True,
    )


def test_what_waits_for_its_turn_is_not_begun_after_a_failure(context):
    waiting, begun = threading.Semaphore(0), []

    def fail(bench):
        with bench.acquire(bench.shared.device_slot):
            assert all(waiting.acquire(timeout=LONG) for _ in range(3))
            raise DarkroomError(ErrorCode.NO_FACE, "No face was found.")

    def wait(bench):
        # Only after the one that fails has its turn: the device is taken then.
        while bench.shared.device_slot.acquire(blocking=False):
            bench.shared.device_slot.release()
            bench.report(0.0)
        waiting.release()
        with bench.acquire(bench.shared.device_slot):
            begun.append(bench)

    with pytest.raises(DarkroomError, match="one: No face"):
        run(context, SceneTask("one", 1, fail), *(SceneTask("more", 1, wait) for _ in range(3)))
    assert not begun


def test_an_unexpected_failure_is_told_without_its_details(context):
    with pytest.raises(DarkroomError, match="Scene 1: Something unexpected") as caught:
        run(context, SceneTask("Scene 1", 1, lambda _bench: {}["secret"]))
    assert caught.value.detail.code is ErrorCode.INTERNAL
    assert "secret" not in caught.value.detail.message


@pytest.mark.parametrize("end", [JobAbandoned(), DarkroomError(ErrorCode.TIMED_OUT, "Time is up.", retryable=True)])
def test_a_job_that_ends_stops_all_of_them_and_is_told_as_it_is(context, end):
    def report(_fraction, _message):
        raise end

    context.enter_stage(None, report)
    with pytest.raises(type(end)) as caught:
        run(context, *(SceneTask(str(number), 1, until_stopped) for number in range(5)))
    assert caught.value is end
