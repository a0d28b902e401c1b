"""Percentiles, and a description of the machine."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel


class Percentiles(BaseModel):
    """Milliseconds at the 50th, 95th and 99th percentile."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Percentiles":
        """Compute from durations in seconds; at least one."""
        p50, p95, p99 = (round(float(value) * 1000, 1) for value in np.percentile(seconds, (50, 95, 99)))
        return cls(p50=p50, p95=p95, p99=p99)

    def __str__(self) -> str:
        return f"{self.p50:.0f} / {self.p95:.0f} / {self.p99:.0f}"


def describe_machine() -> str:
    """Describe the machine: processor, cores, Python."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [line.split(":", 1)[1].strip() for line in information.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
