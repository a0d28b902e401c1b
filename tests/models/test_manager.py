"""Model manager: loading, eviction, and guarantees to threads."""

import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.networks import Network
from pipeline.models.network_registry import DEPTH_ESTIMATOR, SAFETY
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.models.offload.runtimes import TorchNetwork
from pipeline.weights.catalog import catalog, choose_models
from pipeline.weights.store import Weights, WeightStore

MB = 1_000_000


class Fake:
    """A network of a given size that tells ``History`` of every move."""

    def __init__(self, name: str, size: int, history: "History") -> None:
        self.name = name
        self._size = size
        self._history = history

    def size(self) -> int:
        return self._size

    def to_device(self) -> None:
        self._history.say("in", self.name)

    def to_host(self) -> None:
        self._history.say("out", self.name)

    def close(self) -> None:
        self._history.say("closed", self.name)


class History(ModuleType):
    """A module with a loader for each network, and everything that was done to them."""

    def __init__(self) -> None:
        super().__init__("fake_networks")
        self.moves: list[str] = []
        self.place: dict[str, str] = {}
        self.fail: dict[str, BaseException] = {}
        self.before: Callable[[str, str], None] = lambda _what, _name: None

    def say(self, what: str, name: str) -> None:
        self.before(what, name)
        if f"{what} {name}" in self.fail:
            raise self.fail.pop(f"{what} {name}")
        self.moves.append(f"{what} {name}")
        self.place[name] = {"loaded": "host", "in": "device", "out": "host", "closed": "nowhere"}[what]

    def network(self, name: str, megabytes: int, *roles: str) -> Network[Fake]:
        def load(weights: Mapping[str, Weights], placement: Placement) -> Fake:
            assert self.place.get(name, "nowhere") == "nowhere", f"{name} is there twice"
            assert set(weights) == set(roles)
            assert placement.device.type == "cpu"
            self.say("loaded", name)
            return Fake(name, megabytes * MB, self)

        setattr(self, name, load)
        return Network(name, roles, f"{self.__name__}:{name}")

    def on(self, place: str) -> set[str]:
        return {name for name, where in self.place.items() if where == place}

    def count(self, move: str) -> int:
        return self.moves.count(move)


@pytest.fixture
def history() -> Iterator[History]:
    module = History()
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


@pytest.fixture
def shelf(tmp_path: Path) -> WeightStore:
    shelf = WeightStore(tmp_path)
    for model in catalog().values():
        for path in model.files:
            file = tmp_path / model.id / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(f"{model.id} {path}".encode())
        shelf.record(model, "r1")
    return shelf


def manager(shelf: WeightStore, budget: int | None = 100, host_budget: int = 100, **more: Any) -> ModelManager:
    limit = None if budget is None else budget * MB
    return ModelManager(shelf, Placement.for_device("cpu"), budget=limit, host_budget=host_budget * MB, **more)


def touch(models: ModelManager, *networks: Network[Fake]) -> None:
    for network in networks:
        with models.use(network) as held:
            assert held[network].name == network.name


def test_a_network_is_loaded_when_it_is_first_used_and_stays(shelf: WeightStore, history: History) -> None:
    eye = history.network("eye", 10, "detector")
    models = manager(shelf)
    models.check_weights([eye])
    assert history.moves == []
    touch(models, eye, eye)
    assert history.moves == ["loaded eye", "in eye"]


def test_a_network_may_be_made_of_several_models(shelf: WeightStore, history: History) -> None:
    pair = history.network("pair", 10, "control_depth", "control_edges")
    models = manager(shelf)
    touch(models, pair)
    assert [used.id for used in models.models_used([pair])] == ["control-depth", "control-canny"]
    assert {used.revision for used in models.models_used([pair])} == {"r1"}


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

    def work(first: int) -> None:
        for step in range(12):
            pair = networks[(first + step) % 6], networks[(first + 5 * step) % 6]
            with models.use(*pair):
                assert {network.name for network in pair} <= history.on("device")

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, first) for first in range(4)]:
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


def test_every_move_is_logged_with_its_size(
    shelf: WeightStore, history: History, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    a, b = (history.network(name, 60, "detector") for name in "ab")
    touch(manager(shelf, host_budget=0), a, b)
    said = [message.partition(":")[0] for message in caplog.messages]
    assert said == ["loaded a", "moved to the device a", "loaded b", "dropped a", "moved to the device b"]
    assert all("60 MB in" in message for message in caplog.messages)


def test_missing_weights_name_the_file_and_what_mends_it(shelf: WeightStore, history: History) -> None:
    eye = history.network("eye", 10, "detector")
    (model,) = choose_models(("detector",), {})
    (shelf.folder / model.id / model.files[0]).unlink()
    models = manager(shelf)
    for attempt in (lambda: models.check_weights([eye]), lambda: touch(models, eye)):
        with pytest.raises(DarkroomError, match=f"{model.files[0]} is missing.*darkroom models fetch") as error:
            attempt()
        assert error.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE


def test_the_operator_chooses_the_model_of_a_role(shelf: WeightStore, history: History) -> None:
    eye = history.network("eye", 10, "detector")
    default, chosen = manager(shelf), manager(shelf, choices={"detector": "rt-detr-r18"})
    assert [used.id for used in chosen.models_used([eye])] == ["rt-detr-r18"]
    assert default.digest([eye]) != chosen.digest([eye])
    with pytest.raises(ValueError, match="rt-detr-r18"):
        manager(shelf, choices={"detector": "sd15"})


def test_the_digest_changes_with_the_files_and_with_nothing_else(shelf: WeightStore, history: History) -> None:
    eye, depth = history.network("eye", 10, "detector"), history.network("depth", 10, "depth")
    models = manager(shelf)
    before = models.digest([eye]), models.digest([depth])
    touch(models, eye)
    (model,) = choose_models(("detector",), {})
    (shelf.folder / model.id / model.files[0]).write_bytes(b"trained a little longer")
    shelf.record(model, "r1")
    assert models.digest([eye]) != before[0]
    assert models.digest([depth]) == before[1]


def test_the_working_size_follows_from_the_budget_unless_it_is_given(shelf: WeightStore) -> None:
    assert [manager(shelf, budget=size).long_side for size in (4_000, 14_000, 70_000)] == [512, 768, 1024]
    assert manager(shelf, budget=None).long_side == 768
    assert manager(shelf, long_side=256).long_side == 256


def test_a_torch_network_loaded_while_computing_can_still_be_moved(shelf: WeightStore, history: History) -> None:
    def load(_weights: Mapping[str, Weights], placement: Placement) -> TorchNetwork:
        return TorchNetwork(placement, nn.Linear(4, 4))

    history.linear = load
    linear: Network[TorchNetwork] = Network("linear", ("detector",), f"{history.__name__}:linear")
    models = manager(shelf, budget=None)
    with torch.inference_mode(), models.use(linear) as held:
        (module,) = held[linear]._modules
        assert not module.weight.is_inference()
    with ExitStack() as nested:
        nested.enter_context(models.use(linear))
        nested.enter_context(models.use(linear))
        models.release_idle()
        assert held[linear].size() == 4 * (4 * 4 + 4)


def test_networks_that_came_back_answer_as_before(tiny_weights: Path, photo: Any) -> None:
    models = ModelManager(WeightStore(tiny_weights), Placement.for_device("cpu"))
    with models.use(DEPTH_ESTIMATOR, SAFETY) as held:
        before = held[DEPTH_ESTIMATOR].estimate(photo)
        largest = max(held[DEPTH_ESTIMATOR].size(), held[SAFETY].size())
    cramped = ModelManager(
        WeightStore(tiny_weights), Placement.for_device("cpu"), budget=largest, host_budget=2 * largest
    )
    for _ in range(2):
        with cramped.use(SAFETY) as held:
            assert held[SAFETY].unsafe(photo) in {True, False}
        with cramped.use(DEPTH_ESTIMATOR) as held:
            assert (held[DEPTH_ESTIMATOR].estimate(photo) == before).all()
