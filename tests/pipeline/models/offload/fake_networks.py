"""Fake networks of a given size that record every move, and a model manager for them."""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from pipeline.core.networks import Network
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.weights.store import Weights, WeightStore

MB = 1_000_000


class FakeNetwork:
    """Network of a given size; ``History`` records its moves."""

    def __init__(self, name: str, size: int, history: "History") -> None:
        self.name = name
        self._size = size
        self._history = history

    def size(self) -> int:
        return self._size

    def to_device(self) -> None:
        self._history.record("in", self.name)

    def to_host(self) -> None:
        self._history.record("out", self.name)

    def close(self) -> None:
        self._history.record("closed", self.name)


class History(ModuleType):
    """Module with a loader for each network; records every move."""

    def __init__(self) -> None:
        super().__init__("fake_networks")
        self.moves: list[str] = []
        self.place: dict[str, str] = {}
        self.fail: dict[str, BaseException] = {}
        self.before: Callable[[str, str], None] = lambda _what, _name: None

    def record(self, move: str, name: str) -> None:
        self.before(move, name)
        if f"{move} {name}" in self.fail:
            raise self.fail.pop(f"{move} {name}")
        self.moves.append(f"{move} {name}")
        self.place[name] = {"loaded": "host", "in": "device", "out": "host", "closed": "nowhere"}[move]

    def network(self, name: str, megabytes: int, *roles: str) -> Network[FakeNetwork]:
        def load(weights: Mapping[str, Weights], placement: Placement) -> FakeNetwork:
            assert self.place.get(name, "nowhere") == "nowhere", f"{name} is there twice"
            assert set(weights) == set(roles)
            assert placement.device.type == "cpu"
            self.record("loaded", name)
            return FakeNetwork(name, megabytes * MB, self)

        setattr(self, name, load)
        return Network(name, roles, f"{self.__name__}:{name}")

    def networks_in(self, place: str) -> set[str]:
        return {name for name, location in self.place.items() if location == place}

    def count(self, move: str) -> int:
        return self.moves.count(move)


def manager(weight_store: WeightStore, budget: int | None = 100, host_budget: int = 100, **more: Any) -> ModelManager:
    limit = None if budget is None else budget * MB
    return ModelManager(weight_store, Placement.for_device("cpu"), budget=limit, host_budget=host_budget * MB, **more)


def use_each(models: ModelManager, *networks: Network[FakeNetwork]) -> None:
    for network in networks:
        with models.use(network) as networks:
            assert networks[network].name == network.name
