"""Residency of networks: loading, eviction order and thread safety."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.weights.store import WeightStore
from tests.pipeline.models.offload.fake_networks import History, manager, use_each


def test_a_network_is_loaded_at_its_first_use_and_stays(weight_store: WeightStore, history: History) -> None:
    eye = history.network("eye", 10, "detector")
    models = manager(weight_store)
    models.check_weights([eye])
    assert history.moves == []
    use_each(models, eye, eye)
    assert history.moves == ["loaded eye", "in eye"]


def test_the_least_recently_used_network_is_evicted_first(weight_store: WeightStore, history: History) -> None:
    a, b, c, d = (history.network(name, 30, "detector") for name in "abcd")
    models = manager(weight_store)
    use_each(models, a, b, c, a, d)
    assert (history.networks_in("device"), history.networks_in("host")) == ({"c", "a", "d"}, {"b"})
    use_each(models, b)
    assert (history.networks_in("device"), history.networks_in("host")) == ({"a", "d", "b"}, {"c"})
    assert history.count("loaded b") == 1


def test_no_more_networks_are_evicted_than_needed(weight_store: WeightStore, history: History) -> None:
    small = [history.network(f"small{index}", 20, "detector") for index in range(5)]
    models = manager(weight_store)
    use_each(models, *small, history.network("large", 60, "depth"))
    assert history.networks_in("host") == {"small0", "small1", "small2"}


def test_full_host_memory_drops_the_least_recently_used_network(weight_store: WeightStore, history: History) -> None:
    a, b, c, d = (history.network(name, 80, "detector") for name in "abcd")
    models = manager(weight_store, host_budget=160)
    use_each(models, a, b, c, d)
    assert (history.networks_in("device"), history.networks_in("host"), history.networks_in("nowhere")) == (
        {"d"},
        {"b", "c"},
        {"a"},
    )
    use_each(models, a)
    assert history.networks_in("nowhere") == {"b"}
    assert history.count("loaded a") == 2


def test_without_host_memory_evicted_networks_are_dropped(weight_store: WeightStore, history: History) -> None:
    a, b = (history.network(name, 80, "detector") for name in "ab")
    models = manager(weight_store, host_budget=0)
    use_each(models, a, b)
    assert history.moves == ["loaded a", "in a", "loaded b", "closed a", "in b"]


def test_networks_used_together_do_not_evict_each_other(weight_store: WeightStore, history: History) -> None:
    a, b, c = (history.network(name, 50, "detector") for name in "abc")
    models = manager(weight_store)
    use_each(models, a, b, c)  # b and c are there, and b is the next to go
    with models.use(a, b):
        assert history.networks_in("device") == {"a", "b"}
    assert history.count("out b") == 0


def test_a_network_larger_than_the_budget_is_an_error(weight_store: WeightStore, history: History) -> None:
    small, large = history.network("small", 20, "detector"), history.network("large", 120, "depth")
    models = manager(weight_store)
    use_each(models, small)
    with pytest.raises(DarkroomError, match="large: 120 MB of weights exceed the 100 MB") as error, models.use(large):
        pass
    assert (error.value.detail.code, error.value.detail.retryable) == (ErrorCode.OUT_OF_MEMORY, False)
    assert history.networks_in("device") == {"small"}, "others had to go in vain"
    use_each(models, small)


def test_networks_larger_than_the_budget_together_are_an_error(weight_store: WeightStore, history: History) -> None:
    a, b = (history.network(name, 60, "detector") for name in "ab")
    models = manager(weight_store)
    with pytest.raises(DarkroomError, match="a, b: 120 MB"), models.use(a, b):
        pass
    use_each(models, b, a)


def test_a_network_in_use_is_not_evicted(weight_store: WeightStore, history: History) -> None:
    a, b, c = (history.network(name, 40, "detector") for name in "abc")
    models = manager(weight_store)
    with models.use(a):
        use_each(models, b, c)
        assert history.networks_in("device") == {"a", "c"}
        models.release_idle()
        assert history.networks_in("device") == {"a"}
    models.release_idle()
    assert history.networks_in("device") == set()


def test_a_thread_that_holds_networks_gets_an_error_instead_of_waiting(
    weight_store: WeightStore, history: History
) -> None:
    a, b = (history.network(name, 60, "detector") for name in "ab")
    models = manager(weight_store)
    with models.use(a):
        with pytest.raises(DarkroomError, match="no room for b") as error, models.use(b):
            pass
        assert error.value.detail.retryable
    use_each(models, b)


def test_concurrent_threads_load_a_network_once(weight_store: WeightStore, history: History) -> None:
    eye = history.network("eye", 10, "detector")
    models = manager(weight_store)
    together = threading.Barrier(4)

    def ask() -> None:
        together.wait(30)
        use_each(models, eye)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(ask) for _ in range(4)]:
            done.result(30)
    assert history.moves == ["loaded eye", "in eye"]


def test_a_thread_waits_until_memory_is_free(weight_store: WeightStore, history: History) -> None:
    a, b = (history.network(name, 60, "detector") for name in "ab")
    models = manager(weight_store)
    waiting, request = threading.Event(), []
    history.before = lambda move, name: waiting.set() if (move, name) == ("loaded", "b") else None

    def ask() -> None:
        with models.use(b):
            request.append("b has it")

    with ThreadPoolExecutor(1) as pool:
        with models.use(a):
            requested = pool.submit(ask)
            assert waiting.wait(30)
            use_each(models, a)
            request.append("a is done")
        requested.result(30)
    assert request == ["a is done", "b has it"]


def test_a_loaded_network_is_usable_while_another_loads(weight_store: WeightStore, history: History) -> None:
    a, b = (history.network(name, 10, "detector") for name in "ab")
    models = manager(weight_store)
    use_each(models, a)
    loading, used = threading.Event(), threading.Event()

    def load_slowly(move: str, name: str) -> None:
        if (move, name) == ("loaded", "b"):
            loading.set()
            assert used.wait(30), "nothing could be used while b was loaded"

    history.before = load_slowly
    with ThreadPoolExecutor(1) as pool:
        requested = pool.submit(use_each, models, b)
        assert loading.wait(30)
        use_each(models, a)
        used.set()
        requested.result(30)


def test_many_threads_with_little_memory_all_finish(weight_store: WeightStore, history: History) -> None:
    networks = [history.network(f"n{index}", 30, "detector") for index in range(6)]
    models = manager(weight_store, host_budget=60)

    def context(first: int) -> None:
        for step in range(12):
            pair = networks[(first + step) % 6], networks[(first + 5 * step) % 6]
            with models.use(*pair):
                assert {network.name for network in pair} <= history.networks_in("device")

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(context, first) for first in range(4)]:
            done.result(60)
    assert len(history.networks_in("device")) <= 3
    assert len(history.networks_in("host")) <= 2


@pytest.mark.parametrize("moment", ["loaded", "in"])
def test_a_failed_load_leaves_no_partial_network(weight_store: WeightStore, history: History, moment: str) -> None:
    eye = history.network("eye", 10, "detector")
    models = manager(weight_store)
    history.fail[f"{moment} eye"] = torch.OutOfMemoryError("too much")
    with pytest.raises(torch.OutOfMemoryError), models.use(eye):
        pass
    assert history.place.get("eye", "nowhere") == "nowhere"
    use_each(models, eye)
    assert history.networks_in("device") == {"eye"}


def test_a_network_that_cannot_move_to_host_memory_is_dropped(
    weight_store: WeightStore, history: History, caplog: pytest.LogCaptureFixture
) -> None:
    a, b = (history.network(name, 60, "detector") for name in "ab")
    models = manager(weight_store)
    use_each(models, a)
    history.fail["out a"] = RuntimeError("it is computing")
    use_each(models, b)
    assert (history.networks_in("device"), history.networks_in("nowhere")) == ({"b"}, {"a"})
    assert "a could not move" in caplog.text
