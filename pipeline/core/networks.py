"""Networks as stages see them: named and typed here, loaded and moved by whoever has the device.

Nothing here knows torch: a stage can be read, documented and tested with a network of three lines.
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast

from darkroom.contract.results import ModelUsed
from pipeline.weights.catalog import choose_models
from pipeline.weights.store import WeightStore

T = TypeVar("T")


@dataclass(frozen=True)
class Network(Generic[T]):
    """A network that stages may use.

    ``roles`` are the catalogue's (``models.toml``): one model of each is what it is made of. ``loader`` is
    ``module:function``; the function takes ``Mapping[role, pipeline.weights.store.Weights]`` and a
    ``pipeline.models.offload.device.Placement`` and gives the network in the CPU's memory.
    """

    name: str
    roles: tuple[str, ...]
    loader: str


class LoadedNetworks(Mapping[Network[Any], Any]):
    """Networks on the device, each with the type that its name says."""

    def __init__(self, networks: Mapping[Network[Any], Any]) -> None:
        self._networks = networks

    def __getitem__(self, network: Network[T]) -> T:
        return cast("T", self._networks[network])

    def __iter__(self) -> Any:
        return iter(self._networks)

    def __len__(self) -> int:
        return len(self._networks)


@dataclass(frozen=True)
class NetworkInMemory:
    """A network that is in memory: its name, its bytes, and whether it is on the device or in the host's memory."""

    name: str
    size: int
    on_device: bool


@dataclass(frozen=True)
class MemoryInventory:
    """What is in memory, and on what: None before anything looked for a device.

    ``used`` and ``total`` are bytes of the whole GPU, whoever uses it; None without one.
    """

    device: str | None
    networks: tuple[NetworkInMemory, ...]
    used: int | None = None
    total: int | None = None


class NetworkProvider(Protocol):
    """Who has the networks."""

    @property
    def long_side(self) -> int:
        """The longer side, in pixels, at which the device's memory lets pictures be made: a multiple of 8."""

    def use(self, *networks: Network[Any]) -> AbstractContextManager[LoadedNetworks]:
        """The networks, on the device for as long as the block lasts.

        Raises ``DarkroomError`` (``engine_unavailable``) naming the file that is missing or altered and the command
        that mends it.
        """

    def release_idle(self) -> None:
        """Give back all memory that is not in use, as after running out of it. Networks in use stay."""

    def check_weights(self, networks: Sequence[Network[Any]]) -> None:
        """Raises as ``use`` would, without loading anything."""

    def models_used(self, networks: Sequence[Network[Any]]) -> tuple[ModelUsed, ...]:
        """The models that they are made of, pinned."""

    def digest(self, networks: Sequence[Network[Any]]) -> str:
        """Changes when any of them would answer otherwise: see ``networks_digest``."""

    def inventory(self) -> MemoryInventory:
        """What is in memory now."""


def networks_digest(networks: Sequence[Network[Any]], weight_store: WeightStore, choices: Mapping[str, str]) -> str:
    """SHA-256 of the networks' names and of their models' files, as they were fetched to ``shelf``.

    ``choices`` names the model for a role where it is not the catalogue's default. Raises ``DarkroomError``
    (``engine_unavailable``) for a model that was never fetched, or whose program is not here.
    """
    total = hashlib.sha256()
    for network in networks:
        models = choose_models(network.roles, choices)
        for checkout in filter(None, map(weight_store.checkout, models)):
            checkout.check()
        digests = (f"{model.id}={weight_store.digest(model)}" for model in models)
        total.update(f"{network.name}:{','.join(digests)}\n".encode())
    return total.hexdigest()
