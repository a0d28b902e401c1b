"""Processor count: the number of threads that one job's computation uses."""

import os

MAX_THREADS = 4  # at these picture sizes, more threads cost more than they gain


def thread_count() -> int:
    """Return the number of processors that this process may use, at most ``MAX_THREADS``."""
    # A container or ``taskset`` may allow fewer processors than the machine has. macOS and Windows cannot say.
    affinity = getattr(os, "sched_getaffinity", None)
    usable = len(affinity(0)) if affinity else os.cpu_count() or 1
    return min(usable, MAX_THREADS)
