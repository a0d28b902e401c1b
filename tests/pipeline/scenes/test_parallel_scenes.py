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
def reports():
    return []


@pytest.fixture
def context(tmp_path, reports):
    return StageContext(GenerateParams(prompt="a kite"), {}, tmp_path, lambda *report: reports.append(report))


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def run(context, *tasks, **options):
    return run_scenes(context, tasks, stage="scenes", message=lambda done: f"{done} of {len(tasks)}", **options)


def report_until_stopped(scene_context):
    """Report until the job is stopped."""
    never = threading.Event()
    while True:
        scene_context.report(0.5)
        never.wait(0.001)


def test_results_are_in_the_order_of_the_tasks(context):
    gate = threading.Event()

    def late(_scene_context):
        assert gate.wait(LONG)
        return "late"

    def early(_scene_context):
        gate.set()
        return "early"

    assert run(context, SceneTask("one", 1, late), SceneTask("two", 1, early)) == ("late", "early")


@pytest.mark.parametrize("resource", ["cpu_slots", "device_slot"])
def test_no_more_tasks_hold_a_resource_than_allowed(context, resource):
    running, most = set(), []

    def make(scene_context):
        with scene_context.acquire(getattr(scene_context.shared, resource)):
            running.add(scene_context)
            most.append(len(running))
            scene_context.report(0.5)
            running.remove(scene_context)

    run(context, *(SceneTask(str(number), 1, make) for number in range(8)), max_parallel=1)
    assert max(most) == 1


def test_cpu_tasks_run_while_others_wait_for_the_device(context):
    drawn = threading.Event()

    def animate(scene_context):
        with scene_context.acquire(scene_context.shared.device_slot):
            assert drawn.wait(LONG)

    def draw(scene_context):
        with scene_context.acquire(scene_context.shared.cpu_slots):
            drawn.set()

    run(context, *(SceneTask("avatar", 1, animate) for _ in range(5)), SceneTask("image", 1, draw), max_parallel=1)
    assert drawn.is_set()


def test_progress_is_the_weighted_mean_and_never_falls(context, reports):
    gate = threading.Event()

    def short(_scene_context):
        gate.set()

    def long(scene_context):
        assert gate.wait(LONG)
        scene_context.report(0.5)

    run(context, SceneTask("one", 1, short), SceneTask("two", 3, long))
    fractions = [fraction for fraction, _ in reports]
    assert fractions == sorted(fractions)
    assert set(fractions) <= {0, 0.25, 0.375, 0.625, 1}
    assert reports[-1] == (1.0, "2 of 2")


def test_progress_images_are_reported_by_the_jobs_own_thread(context, tmp_path):
    threads, progress_images = set(), []

    def report_progress_image(picture):
        threads.add(threading.current_thread())
        progress_images.append(int(picture[0, 0, 0]))

    def make(level):
        def make(scene_context):
            scene_context.show_progress_image(np.full((2, 2, 3), level, np.uint8))

        return make

    context.enter_stage(None, report_progress_image=report_progress_image)
    run(context, SceneTask("one", 1, make(1)), SceneTask("two", 1, make(2)))
    assert sorted(progress_images) == [1, 2]
    assert threads == {threading.current_thread()}


def test_a_failure_names_its_task_and_stops_the_others(context):
    def fail(_scene_context):
        raise DarkroomError(ErrorCode.NO_FACE, "No face was found.", retryable=True)

    with pytest.raises(DarkroomError) as raised:
        run(context, SceneTask("Scene 1", 1, report_until_stopped), SceneTask("Scene 2 (avatar)", 1, fail))
    detail = raised.value.detail
    assert (detail.code, detail.message, detail.retryable) == (
        ErrorCode.NO_FACE,
        "Scene 2 (avatar): No face was found.",
        True,
    )


def test_waiting_tasks_do_not_start_after_a_failure(context):
    waiting, begun = threading.Semaphore(0), []

    def fail(scene_context):
        with scene_context.acquire(scene_context.shared.device_slot):
            assert all(waiting.acquire(timeout=LONG) for _ in range(3))
            raise DarkroomError(ErrorCode.NO_FACE, "No face was found.")

    def wait(scene_context):
        # Only after the one that fails has its turn: the device is taken then.
        while scene_context.shared.device_slot.acquire(blocking=False):
            scene_context.shared.device_slot.release()
            scene_context.report(0.0)
        waiting.release()
        with scene_context.acquire(scene_context.shared.device_slot):
            begun.append(scene_context)

    with pytest.raises(DarkroomError, match="one: No face"):
        run(context, SceneTask("one", 1, fail), *(SceneTask("more", 1, wait) for _ in range(3)))
    assert not begun


def test_an_unexpected_failure_is_reported_without_details(context):
    with pytest.raises(DarkroomError, match="Scene 1: Something unexpected") as raised:
        run(context, SceneTask("Scene 1", 1, lambda _scene_context: {}["secret"]))
    assert raised.value.detail.code is ErrorCode.INTERNAL
    assert "secret" not in raised.value.detail.message


@pytest.mark.parametrize("end", [JobAbandoned(), DarkroomError(ErrorCode.TIMED_OUT, "Time is up.", retryable=True)])
def test_the_jobs_own_error_stops_all_tasks_and_propagates(context, end):
    def report(_fraction, _message):
        raise end

    context.enter_stage(None, report)
    with pytest.raises(type(end)) as raised:
        run(context, *(SceneTask(str(number), 1, report_until_stopped) for number in range(5)))
    assert raised.value is end
