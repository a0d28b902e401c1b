"""Network declarations: names and types of networks for stages, and the provider that loads them.

Nothing here imports torch, so stages can be documented and tested with small fakes.
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
    """Declaration of a network that stages may use.

    It is built from one catalogue model (``models.toml``) per role in ``roles``. ``loader`` is ``module:function``.
    The function takes ``Mapping[role, pipeline.weights.store.Weights]`` and a
    ``pipeline.models.offload.device.Placement``, and returns the network in host memory.
    """

    name: str
    roles: tuple[str, ...]
    loader: str


class LoadedNetworks(Mapping[Network[Any], Any]):
    """Mapping from declarations to networks on the device; a lookup has the declared type."""

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
    """A network in memory: its name, its size in bytes, and whether it is on the device or in host memory."""

    name: str
    size: int
    on_device: bool


@dataclass(frozen=True)
class MemoryInventory:
    """Inventory of the networks in memory. ``device`` is None until a device was first looked for.

    ``used`` and ``total`` are bytes of the whole GPU, counting all processes; None without a GPU.
    """

    device: str | None
    networks: tuple[NetworkInMemory, ...]
    used: int | None = None
    total: int | None = None


class NetworkProvider(Protocol):
    """Provider of networks: loads them, moves them to the device and releases them."""

    @property
    def long_side(self) -> int:
        """Longer side of generated pictures that the device's memory allows, in pixels: a multiple of 8."""

    def use(self, *networks: Network[Any]) -> AbstractContextManager[LoadedNetworks]:
        """Context manager that keeps the networks on the device for its block.

        Raises ``DarkroomError`` (``engine_unavailable``) naming the missing or altered file and the command to fix it.
        """

    def release_idle(self) -> None:
        """Release all networks that are not in use, as after an out-of-memory error."""

    def check_weights(self, networks: Sequence[Network[Any]]) -> None:
        """Raise as ``use`` would, without loading anything."""

    def models_used(self, networks: Sequence[Network[Any]]) -> tuple[ModelUsed, ...]:
        """Return the models that the networks are built from, with their revisions."""

    def digest(self, networks: Sequence[Network[Any]]) -> str:
        """Return a digest that changes with any of the networks: see ``networks_digest``."""

    def inventory(self) -> MemoryInventory:
        """Return the networks in memory now."""


def networks_digest(networks: Sequence[Network[Any]], weight_store: WeightStore, choices: Mapping[str, str]) -> str:
    """Return the SHA-256 of the networks' names and of their models' files, as recorded in ``weight_store``.

    ``choices`` maps a role to a model id where it differs from the catalogue's default. Raises ``DarkroomError``
    (``engine_unavailable``) for a model that was never fetched, or whose program is missing.
    """
    hasher = hashlib.sha256()
    for network in networks:
        models = choose_models(network.roles, choices)
        for checkout in filter(None, map(weight_store.checkout, models)):
            checkout.check()
        digests = (f"{model.id}={weight_store.digest(model)}" for model in models)
        hasher.update(f"{network.name}:{','.join(digests)}\n".encode())
    return hasher.hexdigest()
