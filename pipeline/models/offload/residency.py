"""Residency of networks: each is on the device, in the host's memory or nowhere, never in two places.

The least recently used networks make room. They go to the host's memory. When that is full as well, they are dropped
and loaded from the disk another time.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.networks import Network, NetworkInMemory
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import Offloadable

logger = logging.getLogger(__name__)

MEGABYTE = 1_000_000


@dataclass(eq=False)
class _Entry:
    """A network that is somewhere. ``size`` is in bytes; ``used`` grows with every use."""

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
    """There is no room: others use what would have to go."""


class Residency:
    """Moves networks between the device and the host's memory, for any number of threads.

    ``budget`` and ``host_budget`` are bytes for weights on the device (None: without limit) and in the host's memory;
    ``load`` reads a network from the disk.
    """

    def __init__(
        self,
        placement: Placement,
        budget: int | None,
        host_budget: int,
        load: Callable[[Network[Any]], Offloadable],
    ) -> None:
        self._placement = placement
        self._budget = budget
        self._host_budget = host_budget
        self._read = load
        self._entries: dict[Network[Any], _Entry] = {}
        self._uses = self._releases = 0
        # Whoever loads or moves anything holds ``_moving``; ``_state`` is held for moments only, to read or write
        # the entries. Never the first after the second.
        self._moving = threading.Lock()
        self._state = threading.Condition()
        self._holding = threading.local()

    @contextmanager
    def hold(self, networks: tuple[Network[Any], ...]) -> Iterator[Mapping[Network[Any], Offloadable]]:
        """The networks, on the device for as long as the block lasts; waits while others use what would have to go.

        Raises ``DarkroomError`` (``out_of_memory``) when they exceed the budget, or (retryable) when a thread that
        holds some already asks for more than there is room for beside the others'.
        """
        entries = self._acquire(networks)
        self._holding.blocks = getattr(self._holding, "blocks", 0) + 1
        try:
            yield {network: entry.movable for network, entry in zip(networks, entries, strict=True)}
        finally:
            self._holding.blocks -= 1
            self._release(entries)
            with self._state:
                self._releases += 1
                self._state.notify_all()

    def release_idle(self) -> None:
        """Have every network that is not in use leave the device, and give the device's unused memory back."""
        with self._moving, torch.inference_mode(mode=False):
            while (entry := self._claim_least_recently_used(on_device=True)) is not None:
                self._evict(entry)
            self._trim_host()
        self._placement.release_cached_memory()

    def networks_in_memory(self) -> tuple[NetworkInMemory, ...]:
        """What is in memory now, the most recently used first."""
        with self._state:
            entries = sorted(self._entries.values(), key=lambda entry: entry.used, reverse=True)
            return tuple(NetworkInMemory(entry.name, entry.size, entry.on_device) for entry in entries)

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
        """Get them all to the device, counted as in use, or none. Raises ``_NoRoom``."""
        entries: list[_Entry] = []
        # First those that are there, lest they make room for the others.
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
        movable = self._read(network)
        entry = _Entry(network, movable, movable.size())
        with self._state:
            self._entries[network] = entry
        _log("loaded", entry, began)
        return entry

    def _make_room(self, entry: _Entry, together: Sequence[_Entry]) -> None:
        """Evict until ``entry`` fits on the device. Raises ``_NoRoom``; ``DarkroomError`` when all never will."""
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
            # It may be half here and half there.
            self._drop(entry)
            raise
        allocated = self._placement.allocated() - before
        with self._state:
            # Others that compute meanwhile allocate as well, and what they take is not this network's.
            alone = not any(other.users for other in self._entries.values() if other not in together)
            entry.size = max(entry.movable.size(), allocated if alone else 0)
            entry.on_device = True
        _log("moved to the device", entry, began)

    def _evict(self, entry: _Entry) -> None:
        """Have an idle network, already marked as off the device, leave it."""
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
        """Drop networks from the host until they are within its budget, ``beside`` being the last to go."""
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
        """The least recently used one that nobody uses; from here on it is not ready to be used."""
        with self._state:
            entries = [entry for entry in self._entries.values() if entry is not other_than]
            idle = [entry for entry in entries if entry.on_device is on_device and not entry.users]
            oldest = min(idle, key=lambda entry: entry.used, default=None)
            if oldest is not None:
                oldest.on_device = False
            return oldest

    def _bytes(self, *, on_device: bool) -> int:
        """What weights take there; those that are just passing through the host are not counted."""
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
