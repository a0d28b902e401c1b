"""CPU time of a local stack's processes, by what they are."""

from collections import defaultdict
from contextlib import suppress

import psutil

from bench.load_client import LoadTarget

EMULATOR, FUNCTIONS = "emulator", "functions"
STAND_IN, CONTAINER = "stand-in", "container"


def cpu_seconds(target: LoadTarget) -> defaultdict[str, float]:
    """Return the CPU seconds so far of the emulator, its functions, the stand-in and its container."""
    used: defaultdict[str, float] = defaultdict(float)
    names = ((EMULATOR, FUNCTIONS), (STAND_IN, CONTAINER))
    for process, (own_name, children_name) in zip(target.processes, names, strict=True):
        found = process.find()
        if found is None:
            continue
        own = found.cpu_times()
        used[own_name] += own.user + own.system
        used[children_name] += own.children_user + own.children_system
        for child in found.children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it has ended since: its parent has its time
                times = child.cpu_times()
                used[children_name] += times.user + times.system + times.children_user + times.children_system
    return used
