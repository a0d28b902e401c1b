"""Where networks are: what is loaded when, what has to go first, and what threads may count on."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.weights.store import WeightStore
from tests.pipeline.models.offload.fake_networks import History, manager, touch


def test_a_network_is_loaded_when_it_is_first_used_and_stays(shelf: WeightStore, history: History) -> None:
    eye = history.network("eye", 10, "detector")
    models = manager(shelf)
    models.check_weights([eye])
    assert history.moves == []
    touch(models, eye, eye)
    assert history.moves == ["loaded eye", "in eye"]


def test_the_least_recently_used_goes_first(shelf: WeightStore, history: History) -> None:
    a, b, c, d = (history.network(name, 30, "detector") for name in "abcd")
    models = manager(shelf)
    touch(models, a, b, c, a, d)
    assert (history.on("device"), history.on("host")) == ({"c", "a", "d"}, {"b"})
    touch(models, b)
    assert (history.on("device"), history.on("host")) == ({"a", "d", "b"}, {"c"})
    assert history.count("loaded b") == 1


def test_only_as_many_go_as_are_in_the_way(shelf: WeightStore, history: History) -> None:
    small = [history.network(f"small{index}", 20, "detector") for index in range(5)]
    models = manager(shelf)
    touch(models, *small, history.network("large", 60, "depth"))
    assert history.on("host") == {"small0", "small1", "small2"}


def test_a_full_host_drops_its_least_recently_used(shelf: WeightStore, history: History) -> None:
    a, b, c, d = (history.network(name, 80, "detector") for name in "abcd")
    models = manager(shelf, host_budget=160)
    touch(models, a, b, c, d)
    assert (history.on("device"), history.on("host"), history.on("nowhere")) == ({"d"}, {"b", "c"}, {"a"})
    touch(models, a)
    assert history.on("nowhere") == {"b"}
    assert history.count("loaded a") == 2


def test_without_room_on_the_host_what_has_to_go_goes_altogether(shelf: WeightStore, history: History) -> None:
    a, b = (history.network(name, 80, "detector") for name in "ab")
    models = manager(shelf, host_budget=0)
    touch(models, a, b)
    assert history.moves == ["loaded a", "in a", "loaded b", "closed a", "in b"]


def test_networks_that_are_used_together_do_not_push_each_other_out(shelf: WeightStore, history: History) -> None:
    a, b, c = (history.network(name, 50, "detector") for name in "abc")
    models = manager(shelf)
    touch(models, a, b, c)  # b and c are there, and b is the next to go
    with models.use(a, b):
        assert history.on("device") == {"a", "b"}
    assert history.count("out b") == 0


def test_a_network_larger_than_the_device_is_an_error_that_says_so(shelf: WeightStore, history: History) -> None:
    small, large = history.network("small", 20, "detector"), history.network("large", 120, "depth")
    models = manager(shelf)
    touch(models, small)
    with pytest.raises(DarkroomError, match="large: 120 MB of weights exceed the 100 MB") as error, models.use(large):
        pass
    assert (error.value.detail.code, error.value.detail.retryable) == (ErrorCode.OUT_OF_MEMORY, False)
    assert history.on("device") == {"small"}, "others had to go in vain"
    touch(models, small)


def test_networks_that_are_too_large_together_are_too(shelf: WeightStore, history: History) -> None:
    a, b = (history.network(name, 60, "detector") for name in "ab")
    models = manager(shelf)
    with pytest.raises(DarkroomError, match="a, b: 120 MB"), models.use(a, b):
        pass
    touch(models, b, a)


def test_a_network_in_use_stays(shelf: WeightStore, history: History) -> None:
    a, b, c = (history.network(name, 40, "detector") for name in "abc")
    models = manager(shelf)
    with models.use(a):
        touch(models, b, c)
        assert history.on("device") == {"a", "c"}
        models.release_idle()
        assert history.on("device") == {"a"}
    models.release_idle()
    assert history.on("device") == set()


def test_asking_for_more_than_fits_beside_what_one_holds_is_an_error(shelf: WeightStore, history: History) -> None:
    a, b = (history.network(name, 60, "detector") for name in "ab")
    models = manager(shelf)
    with models.use(a):
        with pytest.raises(DarkroomError, match="no room for b") as error, models.use(b):
            pass
        assert error.value.detail.retryable
    touch(models, b)


def test_two_threads_that_ask_at_once_load_it_once(shelf: WeightStore, history: History) -> None:
    eye = history.network("eye", 10, "detector")
    models = manager(shelf)
    together = threading.Barrier(4)

    def ask() -> None:
        together.wait(30)
        touch(models, eye)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(ask) for _ in range(4)]:
            done.result(30)
    assert history.moves == ["loaded eye", "in eye"]


def test_a_thread_waits_for_room_until_others_are_done(shelf: WeightStore, history: History) -> None:
    a, b = (history.network(name, 60, "detector") for name in "ab")
    models = manager(shelf)
    waiting, order = threading.Event(), []
    history.before = lambda what, name: waiting.set() if (what, name) == ("loaded", "b") else None

    def ask() -> None:
        with models.use(b):
            order.append("b has it")

    with ThreadPoolExecutor(1) as pool:
        with models.use(a):
            asked = pool.submit(ask)
            assert waiting.wait(30)
            touch(models, a)
            order.append("a is done")
        asked.result(30)
    assert order == ["a is done", "b has it"]


def test_what_is_there_can_be_used_while_another_is_loaded(shelf: WeightStore, history: History) -> None:
    a, b = (history.network(name, 10, "detector") for name in "ab")
    models = manager(shelf)
    touch(models, a)
    loading, used = threading.Event(), threading.Event()

    def load_slowly(what: str, name: str) -> None:
        if (what, name) == ("loaded", "b"):
            loading.set()
            assert used.wait(30), "nothing could be used while b was loaded"

    history.before = load_slowly
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(touch, models, b)
        assert loading.wait(30)
        touch(models, a)
        used.set()
        asked.result(30)


def test_many_threads_with_too_little_room_all_get_their_turn(shelf: WeightStore, history: History) -> None:
    networks = [history.network(f"n{index}", 30, "detector") for index in range(6)]
    models = manager(shelf, host_budget=60)

    def context(first: int) -> None:
        for step in range(12):
            pair = networks[(first + step) % 6], networks[(first + 5 * step) % 6]
            with models.use(*pair):
                assert {network.name for network in pair} <= history.on("device")

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(context, first) for first in range(4)]:
            done.result(60)
    assert len(history.on("device")) <= 3
    assert len(history.on("host")) <= 2


@pytest.mark.parametrize("moment", ["loaded", "in"])
def test_a_failure_to_load_leaves_nothing_half_loaded(shelf: WeightStore, history: History, moment: str) -> None:
    eye = history.network("eye", 10, "detector")
    models = manager(shelf)
    history.fail[f"{moment} eye"] = torch.OutOfMemoryError("too much")
    with pytest.raises(torch.OutOfMemoryError), models.use(eye):
        pass
    assert history.place.get("eye", "nowhere") == "nowhere"
    touch(models, eye)
    assert history.on("device") == {"eye"}


def test_what_cannot_move_to_the_host_is_dropped(
    shelf: WeightStore, history: History, caplog: pytest.LogCaptureFixture
) -> None:
    a, b = (history.network(name, 60, "detector") for name in "ab")
    models = manager(shelf)
    touch(models, a)
    history.fail["out a"] = RuntimeError("it is computing")
    touch(models, b)
    assert (history.on("device"), history.on("nowhere")) == ({"b"}, {"a"})
    assert "a could not move" in caplog.text
