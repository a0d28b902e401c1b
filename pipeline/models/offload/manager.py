"""The model manager: loads networks when they are first used, keeps what fits, moves the rest out of the way."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.results import ModelUsed
from pipeline.core.networks import LoadedNetworks, MemoryInventory, Network, networks_digest
from pipeline.models.offload.device import Placement
from pipeline.models.offload.residency import Residency
from pipeline.models.offload.runtimes import Offloadable
from pipeline.weights.catalog import Model, choose_models
from pipeline.weights.store import WeightStore


class ModelManager:
    """Implements ``pipeline.core.networks.NetworkProvider`` with the weights of ``shelf``, for any number of threads.

    ``budget`` and ``host_budget`` are bytes for weights on the device and in the host's memory; measured when left
    out (``Placement``). On the CPU there is no limit, and what has to go goes altogether. ``choices`` names the model
    for a role where it is not to be the catalogue's default; raises ``ValueError`` for one that is not there. Models
    for non-commercial research alone are refused unless ``research`` says that the operator accepts their licence.
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
        self._shelf = weight_store
        self._placement = placement
        budget = placement.budget() if budget is None else budget
        host_budget = placement.host_budget() if host_budget is None else host_budget
        self._choices = dict(choices or {})
        choose_models(tuple(self._choices), self._choices)
        self._research = accept_research_licence
        self._long_side = long_side or placement.long_side(budget)
        load = partial(_load, weight_store=weight_store, choices=self._choices, placement=placement)
        self._residency = Residency(placement, budget, host_budget, load)

    @property
    def long_side(self) -> int:
        """The longer side, in pixels, at which the device's memory lets pictures be made: a multiple of 8."""
        return self._long_side

    @contextmanager
    def use(self, *networks: Network[Any]) -> Iterator[LoadedNetworks]:
        """The networks, on the device for as long as the block lasts; waits while others use what would have to go.

        Raises ``DarkroomError``: ``engine_unavailable`` naming the file that is missing or altered and the command
        that mends it, the program that is not here, or the model whose licence was not accepted; ``out_of_memory``
        when the networks exceed the budget, or (retryable) when a thread that holds some already asks for more than
        there is room for beside the others', which might wait for it in turn.
        """
        self._models(networks)
        with self._residency.hold(tuple(dict.fromkeys(networks))) as movables:
            yield LoadedNetworks(movables)

    def release_idle(self) -> None:
        """Have every network that is not in use leave the device, and give the device's unused memory back."""
        self._residency.release_idle()

    def check_weights(self, networks: Sequence[Network[Any]]) -> None:
        """Raises as ``use`` would, without loading anything."""
        for model in self._models(networks):
            self._shelf.check(model)

    def models_used(self, networks: Sequence[Network[Any]]) -> tuple[ModelUsed, ...]:
        """The models that they are made of, pinned."""
        opened = map(self._shelf.open, self._models(networks))
        return tuple(ModelUsed(id=weights.model.id, revision=weights.revision) for weights in opened)

    def digest(self, networks: Sequence[Network[Any]]) -> str:
        """SHA-256 of the networks' names and of their models' files, as they were fetched."""
        return networks_digest(networks, self._shelf, self._choices)

    def inventory(self) -> MemoryInventory:
        """What is in memory now, the most recently used first."""
        residents = self._residency.networks_in_memory()
        used, total = self._placement.memory() or (None, None)
        return MemoryInventory(self._placement.name(), residents, used, total)

    def _models(self, networks: Sequence[Network[Any]]) -> tuple[Model, ...]:
        models = choose_models(
            tuple(dict.fromkeys(role for network in networks for role in network.roles)), self._choices
        )
        for model in models:
            if model.research_only and not self._research:
                raise DarkroomError(
                    ErrorCode.ENGINE_UNAVAILABLE,
                    f"The model {model.id} is licensed for non-commercial research only ({model.licence}), and this "
                    "deployment has not accepted that. Its operator does so with accept_research_licence=true.",
                )
            if (checkout := self._shelf.checkout(model)) is not None:
                checkout.check()
        return models


def _load(
    network: Network[Any], weight_store: WeightStore, choices: Mapping[str, str], placement: Placement
) -> Offloadable:
    module, _, function = network.loader.partition(":")
    weights = {model.role: weight_store.open(model) for model in choose_models(network.roles, choices)}
    movable: Offloadable = getattr(import_module(module), function)(weights, placement)
    return movable
