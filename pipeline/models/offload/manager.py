"""Model manager: loads networks at their first use, keeps those that fit on the device, and offloads the others.

A network is on the device, in host memory or not loaded, never in two places. The least recently used ones are evicted
to host memory. If that is full, too, they are dropped, and loaded from disk when they are next used.
"""

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.results import ModelUsed
from pipeline.core.networks import LoadedNetworks, MemoryInventory, Network, NetworkInMemory, networks_digest
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import Offloadable
from pipeline.weights.catalog import Model, choose_models
from pipeline.weights.store import WeightStore

logger = logging.getLogger(__name__)

MEGABYTE = 1_000_000


@dataclass(eq=False)
class _Entry:
    """A loaded network. ``size`` is in bytes; ``used`` is the sequence number of its last use."""

    network: Network[Any]
    movable: Offloadable
    size: int
    on_device: bool = False
    users: int = 0
    used: int = 0

    @property
    def name(self) -> str:
        return self.network.name


class _NoRoom(Exception):
    """Raised if the networks that would have to be evicted are in use."""


class ModelManager:
    """Implements ``pipeline.core.networks.NetworkProvider`` with the weights of ``weight_store``. Thread-safe.

    ``budget`` and ``host_budget`` are bytes for weights on the device and in host memory; ``Placement`` measures them
    by default. On the CPU there is no limit, and evicted networks are dropped. ``choices`` maps a role to a model id
    where it differs from the catalogue's default; an unknown one raises ``ValueError``. Models licensed for
    non-commercial research only are refused, unless ``accept_research_licence`` is set.
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
        self._budget = placement.budget() if budget is None else budget
        self._host_budget = placement.host_budget() if host_budget is None else host_budget
        self._choices = dict(choices or {})
        choose_models(tuple(self._choices), self._choices)
        self._research = accept_research_licence
        self._long_side = long_side or placement.long_side(self._budget)
        self._entries: dict[Network[Any], _Entry] = {}
        self._uses = self._releases = 0
        # ``_moving`` is held while networks are loaded or moved, ``_state`` only briefly, to read or write the entries.
        # Lock order: ``_moving`` before ``_state``.
        self._moving = threading.Lock()
        self._state = threading.Condition()
        self._holding = threading.local()

    @property
    def long_side(self) -> int:
        """Longer side of generated pictures that the device's memory allows, in pixels: a multiple of 8."""
        return self._long_side

    @contextmanager
    def use(self, *networks: Network[Any]) -> Iterator[LoadedNetworks]:
        """Context manager that keeps the networks on the device for its block.

        Waits while networks that would have to be evicted are in use. Raises ``DarkroomError``:

        - ``engine_unavailable`` if a file is missing or altered (the message names the command to fix it), if a program
          is missing, or if a model's licence was not accepted
        - ``out_of_memory`` if the networks exceed the budget
        - ``out_of_memory``, retryable, if the thread already uses networks and there is no room for more; waiting could
          deadlock
        """
        self._models(networks)
        wanted = tuple(dict.fromkeys(networks))
        entries = self._acquire(wanted)
        self._holding.blocks = getattr(self._holding, "blocks", 0) + 1
        try:
            yield LoadedNetworks({network: entry.movable for network, entry in zip(wanted, entries, strict=True)})
        finally:
            self._holding.blocks -= 1
            self._release(entries)
            with self._state:
                self._releases += 1
                self._state.notify_all()

    def release_idle(self) -> None:
        """Evict every network that is not in use, and release the device's cached memory."""
        with self._moving, torch.inference_mode(mode=False):
            while (entry := self._claim_least_recently_used(on_device=True)) is not None:
                self._evict(entry)
            self._trim_host()
        self._placement.release_cached_memory()

    def check_weights(self, networks: Sequence[Network[Any]]) -> None:
        """Raise as ``use`` would, without loading anything."""
        for model in self._models(networks):
            self._shelf.check(model)

    def models_used(self, networks: Sequence[Network[Any]]) -> tuple[ModelUsed, ...]:
        """Return the models that the networks are built from, with their revisions."""
        opened = map(self._shelf.open, self._models(networks))
        return tuple(ModelUsed(id=weights.model.id, revision=weights.revision) for weights in opened)

    def digest(self, networks: Sequence[Network[Any]]) -> str:
        """Return the SHA-256 of the networks' names and of their models' recorded files."""
        return networks_digest(networks, self._shelf, self._choices)

    def inventory(self) -> MemoryInventory:
        """Return the networks in memory now, the most recently used first."""
        with self._state:
            entries = sorted(self._entries.values(), key=lambda entry: entry.used, reverse=True)
            residents = tuple(NetworkInMemory(entry.name, entry.size, entry.on_device) for entry in entries)
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

    def _acquire(self, networks: tuple[Network[Any], ...]) -> list[_Entry]:
        while True:
            with self._state:
                there = [self._entries.get(network) for network in networks]
                ready = [entry for entry in there if entry is not None and entry.on_device]
                if len(ready) == len(networks):
                    for entry in ready:
                        self._count(entry)
                    return ready
                releases = self._releases
            try:
                with self._moving, torch.inference_mode(mode=False):
                    return self._load_to_device(networks)
            except _NoRoom:
                if getattr(self._holding, "blocks", 0):
                    raise DarkroomError(
                        ErrorCode.OUT_OF_MEMORY,
                        f"There is no room for {', '.join(network.name for network in networks)} beside the networks "
                        "that are in use. Try again.",
                        retryable=True,
                    ) from None
            with self._state:
                while self._releases == releases:
                    self._state.wait()

    def _load_to_device(self, networks: tuple[Network[Any], ...]) -> list[_Entry]:
        """Move all of them to the device, marked as in use, or none. Raises ``_NoRoom``."""
        entries: list[_Entry] = []
        # Mark those already on the device first, so that they are not evicted for the others.
        there = {network for network, entry in self._entries.items() if entry.on_device}
        try:
            for network in sorted(networks, key=lambda network: network not in there):
                entry = self._entries.get(network) or self._load(network)
                with self._state:
                    self._count(entry)
                entries.append(entry)
                if not entry.on_device:
                    self._make_room(entry, entries)
                    self._move_in(entry, entries)
        except BaseException:
            self._release(entries)
            raise
        finally:
            self._trim_host()
        return [self._entries[network] for network in networks]

    def _load(self, network: Network[Any]) -> _Entry:
        began = time.monotonic()
        module, _, function = network.loader.partition(":")
        weights = {model.role: self._shelf.open(model) for model in choose_models(network.roles, self._choices)}
        movable: Offloadable = getattr(import_module(module), function)(weights, self._placement)
        entry = _Entry(network, movable, movable.size())
        with self._state:
            self._entries[network] = entry
        _log("loaded", entry, began)
        return entry

    def _make_room(self, entry: _Entry, together: Sequence[_Entry]) -> None:
        """Evict until ``entry`` fits on the device.

        Raises ``_NoRoom``, and ``DarkroomError`` (``out_of_memory``) if ``together`` exceeds the budget.
        """
        if self._budget is None:
            return
        needed = sum(other.size for other in together)
        if needed > self._budget:
            raise DarkroomError(
                ErrorCode.OUT_OF_MEMORY,
                f"{', '.join(other.name for other in together)}: {needed / MEGABYTE:.0f} MB of weights exceed the "
                f"{self._budget / MEGABYTE:.0f} MB that the device has for them.",
            )
        while self._bytes(on_device=True) + entry.size > self._budget:
            idle = self._claim_least_recently_used(on_device=True)
            if idle is None:
                raise _NoRoom
            self._evict(idle)

    def _move_in(self, entry: _Entry, together: Sequence[_Entry]) -> None:
        began = time.monotonic()
        before = self._placement.allocated()
        try:
            entry.movable.to_device()
        except BaseException:
            # It may be on both devices in part.
            self._drop(entry)
            raise
        allocated = self._placement.allocated() - before
        with self._state:
            # The allocated memory is this network's only if no other network computed meanwhile.
            alone = not any(other.users for other in self._entries.values() if other not in together)
            entry.size = max(entry.movable.size(), allocated if alone else 0)
            entry.on_device = True
        _log("moved to the device", entry, began)

    def _evict(self, entry: _Entry) -> None:
        """Move an idle network, already marked as off the device, to host memory, or drop it."""
        began = time.monotonic()
        self._trim_host(beside=entry)
        if entry.size > self._host_budget:
            self._drop(entry)
            return
        try:
            entry.movable.to_host()
        except Exception:
            logger.warning("%s could not move to the host's memory", entry.name, exc_info=True)
            self._drop(entry)
        else:
            self._placement.release_cached_memory(thorough=False)
            _log("moved to the host", entry, began)

    def _trim_host(self, beside: _Entry | None = None) -> None:
        """Drop networks from host memory until they are within its budget, but never ``beside``."""
        while self._bytes(on_device=False) > self._host_budget:
            entry = self._claim_least_recently_used(on_device=False, other_than=beside)
            if entry is None:
                return
            self._drop(entry)

    def _drop(self, entry: _Entry) -> None:
        began = time.monotonic()
        with self._state:
            del self._entries[entry.network]
        entry.movable.close()
        self._placement.release_cached_memory()
        _log("dropped", entry, began)

    def _claim_least_recently_used(self, *, on_device: bool, other_than: _Entry | None = None) -> _Entry | None:
        """Return the least recently used idle network, marked as off the device so that no thread uses it; or None."""
        with self._state:
            entries = [entry for entry in self._entries.values() if entry is not other_than]
            idle = [entry for entry in entries if entry.on_device is on_device and not entry.users]
            oldest = min(idle, key=lambda entry: entry.used, default=None)
            if oldest is not None:
                oldest.on_device = False
            return oldest

    def _bytes(self, *, on_device: bool) -> int:
        """Return the bytes of weights there, without networks that only pass through host memory."""
        with self._state:
            entries = [entry for entry in self._entries.values() if entry.on_device is on_device]
            return sum(entry.size for entry in entries if on_device or not entry.users)

    def _count(self, entry: _Entry) -> None:
        self._uses += 1
        entry.users += 1
        entry.used = self._uses

    def _release(self, entries: Sequence[_Entry]) -> None:
        with self._state:
            for entry in entries:
                entry.users -= 1


def _log(what: str, entry: _Entry, began: float) -> None:
    logger.info("%s %s: %.0f MB in %.2f s", what, entry.name, entry.size / MEGABYTE, time.monotonic() - began)
