"""Residency of networks: each is on the device, in host memory or not loaded, never in two places.

The least recently used idle networks are evicted to host memory. If that is full, too, they are dropped, and loaded
from the disk at their next use.
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
    """A network in memory. ``size`` is in bytes; ``used`` is the number of its last use, for the LRU order."""

    network: Network[Any]
    offloadable: Offloadable
    size: int
    on_device: bool = False
    users: int = 0
    used: int = 0

    @property
    def name(self) -> str:
        return self.network.name


class _NotEnoughMemory(Exception):
    """Raised if the device is full of networks that are in use."""


class Residency:
    """LRU cache of networks on the device and in host memory. Thread-safe.

    ``budget`` and ``host_budget`` are bytes for weights on the device (None: no limit) and in host memory. ``load``
    loads a network from the disk.
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
        self._load_network = load
        self._entries: dict[Network[Any], _Entry] = {}
        self._uses = self._releases = 0
        # ``_moving`` is held to load or move networks; ``_state`` only briefly, to read or write the entries. To avoid
        # a deadlock, ``_moving`` is never acquired while ``_state`` is held.
        self._moving = threading.Lock()
        self._state = threading.Condition()
        self._holding = threading.local()

    @contextmanager
    def hold(self, networks: tuple[Network[Any], ...]) -> Iterator[Mapping[Network[Any], Offloadable]]:
        """Context manager that keeps the networks on the device for its block. Waits while other blocks use the memory.

        Raises ``DarkroomError`` (``out_of_memory``) if they exceed the budget. It is retryable if there is no room and
        this thread already holds networks.
        """
        entries = self._acquire(networks)
        self._holding.blocks = getattr(self._holding, "blocks", 0) + 1
        try:
            yield {network: entry.offloadable for network, entry in zip(networks, entries, strict=True)}
        finally:
            self._holding.blocks -= 1
            self._release(entries)
            with self._state:
                self._releases += 1
                self._state.notify_all()

    def release_idle(self) -> None:
        """Evict every network that is not in use from the device, and release the device's cached memory."""
        with self._moving, torch.inference_mode(mode=False):
            while (entry := self._claim_least_recently_used(on_device=True)) is not None:
                self._evict(entry)
            self._trim_host()
        self._placement.release_cached_memory()

    def networks_in_memory(self) -> tuple[NetworkInMemory, ...]:
        """Return the networks in memory now, the most recently used first."""
        with self._state:
            entries = sorted(self._entries.values(), key=lambda entry: entry.used, reverse=True)
            return tuple(NetworkInMemory(entry.name, entry.size, entry.on_device) for entry in entries)

    def _acquire(self, networks: tuple[Network[Any], ...]) -> list[_Entry]:
        while True:
            with self._state:
                known = [self._entries.get(network) for network in networks]
                ready = [entry for entry in known if entry is not None and entry.on_device]
                if len(ready) == len(networks):
                    for entry in ready:
                        self._mark_used(entry)
                    return ready
                releases = self._releases
            try:
                with self._moving, torch.inference_mode(mode=False):
                    return self._load_to_device(networks)
            except _NotEnoughMemory:
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
        """Move all networks to the device and mark them as in use; none of them if it raises ``_NotEnoughMemory``."""
        entries: list[_Entry] = []
        # Networks on the device come first, so that loading the others does not evict them.
        present = {network for network, entry in self._entries.items() if entry.on_device}
        try:
            for network in sorted(networks, key=lambda network: network not in present):
                entry = self._entries.get(network) or self._load(network)
                with self._state:
                    self._mark_used(entry)
                entries.append(entry)
                if not entry.on_device:
                    self._make_room(entry, entries)
                    self._move_to_device(entry, entries)
        except BaseException:
            self._release(entries)
            raise
        finally:
            self._trim_host()
        return [self._entries[network] for network in networks]

    def _load(self, network: Network[Any]) -> _Entry:
        started = time.monotonic()
        offloadable = self._load_network(network)
        entry = _Entry(network, offloadable, offloadable.size())
        with self._state:
            self._entries[network] = entry
        _log("loaded", entry, started)
        return entry

    def _make_room(self, entry: _Entry, requested: Sequence[_Entry]) -> None:
        """Evict until ``entry`` fits on the device.

        Raises ``_NotEnoughMemory``, and ``DarkroomError`` if all ``requested`` exceed the budget."""
        if self._budget is None:
            return
        needed = sum(other.size for other in requested)
        if needed > self._budget:
            raise DarkroomError(
                ErrorCode.OUT_OF_MEMORY,
                f"{', '.join(other.name for other in requested)}: {needed / MEGABYTE:.0f} MB of weights exceed the "
                f"{self._budget / MEGABYTE:.0f} MB that the device has for them.",
            )
        while self._bytes(on_device=True) + entry.size > self._budget:
            idle = self._claim_least_recently_used(on_device=True)
            if idle is None:
                raise _NotEnoughMemory
            self._evict(idle)

    def _move_to_device(self, entry: _Entry, requested: Sequence[_Entry]) -> None:
        started = time.monotonic()
        before = self._placement.allocated()
        try:
            entry.offloadable.to_device()
        except BaseException:
            # The network may have moved partly.
            self._drop(entry)
            raise
        allocated = self._placement.allocated() - before
        with self._state:
            # Other networks that compute meanwhile allocate memory, too, which must not be attributed to this one.
            computes_alone = not any(other.users for other in self._entries.values() if other not in requested)
            entry.size = max(entry.offloadable.size(), allocated if computes_alone else 0)
            entry.on_device = True
        _log("moved to the device", entry, started)

    def _evict(self, entry: _Entry) -> None:
        """Move an idle network, already marked as off the device, to host memory, or drop it."""
        started = time.monotonic()
        self._trim_host(entry_to_keep=entry)
        if entry.size > self._host_budget:
            self._drop(entry)
            return
        try:
            entry.offloadable.to_host()
        except Exception:
            logger.warning("%s could not move to the host's memory", entry.name, exc_info=True)
            self._drop(entry)
        else:
            self._placement.release_cached_memory(thorough=False)
            _log("moved to the host", entry, started)

    def _trim_host(self, entry_to_keep: _Entry | None = None) -> None:
        """Drop networks from host memory until its budget is met; never ``entry_to_keep``."""
        while self._bytes(on_device=False) > self._host_budget:
            entry = self._claim_least_recently_used(on_device=False, excluded=entry_to_keep)
            if entry is None:
                return
            self._drop(entry)

    def _drop(self, entry: _Entry) -> None:
        started = time.monotonic()
        with self._state:
            del self._entries[entry.network]
        entry.offloadable.close()
        self._placement.release_cached_memory()
        _log("dropped", entry, started)

    def _claim_least_recently_used(self, *, on_device: bool, excluded: _Entry | None = None) -> _Entry | None:
        """Return the least recently used idle network, now marked as off the device; None if there is none."""
        with self._state:
            entries = [entry for entry in self._entries.values() if entry is not excluded]
            idle = [entry for entry in entries if entry.on_device is on_device and not entry.users]
            oldest = min(idle, key=lambda entry: entry.used, default=None)
            if oldest is not None:
                oldest.on_device = False
            return oldest

    def _bytes(self, *, on_device: bool) -> int:
        """Return the bytes of weights on the device or in host memory, without networks on their way to the device."""
        with self._state:
            entries = [entry for entry in self._entries.values() if entry.on_device is on_device]
            return sum(entry.size for entry in entries if on_device or not entry.users)

    def _mark_used(self, entry: _Entry) -> None:
        self._uses += 1
        entry.users += 1
        entry.used = self._uses

    def _release(self, entries: Sequence[_Entry]) -> None:
        with self._state:
            for entry in entries:
                entry.users -= 1


def _log(what: str, entry: _Entry, started: float) -> None:
    logger.info("%s %s: %.0f MB in %.2f s", what, entry.name, entry.size / MEGABYTE, time.monotonic() - started)
