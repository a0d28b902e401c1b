"""Model manager: loads networks at their first use, and offloads idle ones if memory is short."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.results import ModelUsed
from pipeline.core.networks import LoadedNetworks, MemoryInventory, Network, networks_digest
from pipeline.core.out_of_memory import is_out_of_memory
from pipeline.models.offload.device import Placement
from pipeline.models.offload.residency import Residency
from pipeline.models.offload.runtimes import Offloadable
from pipeline.weights.catalog import Model, choose_models
from pipeline.weights.store import WeightStore

logger = logging.getLogger(__name__)


class ModelManager:
    """Implements ``pipeline.core.networks.NetworkProvider`` with the weights of ``weight_store``. Thread-safe.

    ``budget`` and ``host_budget`` are bytes for weights on the device and in host memory; ``Placement`` measures them
    if they are None. On the CPU there is no limit, and evicted networks are dropped. ``choices`` maps a role to a model
    id where it differs from the catalogue's default. Raises ``ValueError`` for an unknown model. Models for
    non-commercial research are refused unless ``accept_research_licence`` is set.
    """

    def __init__(
        self,
        weight_store: WeightStore,
        placement: Placement,
        *,
        budget: int | None = None,
        host_budget: int | None = None,
        choices: Mapping[str, str] | None = None,
        long_side: int | None = None,
        accept_research_licence: bool = False,
    ) -> None:
        self._weight_store = weight_store
        self._placement = placement
        budget = placement.budget() if budget is None else budget
        host_budget = placement.host_budget() if host_budget is None else host_budget
        self._choices = dict(choices or {})
        choose_models(tuple(self._choices), self._choices)
        self._accept_research_licence = accept_research_licence
        self._long_side = long_side or placement.long_side(budget)
        load = partial(_load, weight_store=weight_store, choices=self._choices, placement=placement)
        self._residency = Residency(placement, budget, host_budget, load)

    @property
    def long_side(self) -> int:
        """Longer side of generated pictures that the device's memory allows, in pixels: a multiple of 8."""
        return self._long_side

    @contextmanager
    def use(self, *networks: Network[Any]) -> Iterator[LoadedNetworks]:
        """Context manager that keeps the networks on the device for its block. Waits while other blocks use the memory.

        Raises ``DarkroomError``:

        - ``engine_unavailable`` naming a missing or altered file and the command to fix it, a missing program, or a
          model whose licence was not accepted
        - ``out_of_memory`` if the networks exceed the budget
        - ``out_of_memory``, retryable, if there is no room and this thread already holds networks: to wait for other
          threads could deadlock
        """
        self._models(networks)
        with self._residency.hold(tuple(dict.fromkeys(networks))) as loaded:
            yield LoadedNetworks(loaded)

    def release_idle(self) -> None:
        """Evict every network that is not in use from the device, and release the device's cached memory."""
        self._residency.release_idle()

    def check_weights(self, networks: Sequence[Network[Any]]) -> None:
        """Raise as ``use`` would, without loading anything."""
        for model in self._models(networks):
            self._weight_store.check(model)

    def models_used(self, networks: Sequence[Network[Any]]) -> tuple[ModelUsed, ...]:
        """Return the models that the networks are built from, with their revisions."""
        weights_of_models = map(self._weight_store.open, self._models(networks))
        return tuple(ModelUsed(id=weights.model.id, revision=weights.revision) for weights in weights_of_models)

    def digest(self, networks: Sequence[Network[Any]]) -> str:
        """Return the SHA-256 of the networks' names and of their models' recorded files."""
        return networks_digest(networks, self._weight_store, self._choices)

    def inventory(self) -> MemoryInventory:
        """Return the networks in memory now, the most recently used first."""
        networks_in_memory = self._residency.networks_in_memory()
        used, total = self._placement.memory() or (None, None)
        return MemoryInventory(self._placement.name(), networks_in_memory, used, total)

    def _models(self, networks: Sequence[Network[Any]]) -> tuple[Model, ...]:
        models = choose_models(
            tuple(dict.fromkeys(role for network in networks for role in network.roles)), self._choices
        )
        for model in models:
            if model.research_only and not self._accept_research_licence:
                raise DarkroomError(
                    ErrorCode.ENGINE_UNAVAILABLE,
                    f"The model {model.id} is licensed for non-commercial research only ({model.licence}), and this "
                    "deployment has not accepted that. Its operator does so with accept_research_licence=true.",
                )
            if (checkout := self._weight_store.checkout(model)) is not None:
                checkout.check()
        return models


def _load(
    network: Network[Any], weight_store: WeightStore, choices: Mapping[str, str], placement: Placement
) -> Offloadable:
    """Load a network into host memory. Errors that its loader did not foresee are raised as ``engine_unavailable``."""
    module, _, function = network.loader.partition(":")
    weights = {model.role: weight_store.open(model) for model in choose_models(network.roles, choices)}
    try:
        offloadable: Offloadable = getattr(import_module(module), function)(weights, placement)
    except DarkroomError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        models = ", ".join(each.model.id for each in weights.values())
        logger.exception("%s could not be loaded from %s", network.name, models)
        raise DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            f"The network {network.name} could not be loaded from {models} ({type(error).__name__}); it has been "
            "logged.",
        ) from error
    return offloadable
