"""GPU utilisation: NVML's samples, and the time that jobs held the compute slot."""

import threading
import time
from types import TracebackType
from typing import Self

import torch

SAMPLES_PER_SECOND = 10


class TimedSlot(threading.Semaphore):
    """Compute slot that sums up in ``held_seconds`` how long it was held."""

    def __init__(self) -> None:
        super().__init__()
        self.held_seconds = 0.0
        self._since = 0.0

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Acquire like ``Semaphore``."""
        acquired = super().acquire(blocking, timeout)
        if acquired:
            self._since = time.perf_counter()
        return acquired

    def release(self, n: int = 1) -> None:
        """Release like ``Semaphore``."""
        self.held_seconds += time.perf_counter() - self._since
        super().release(n)


class GpuUtilisation:
    """Context manager that samples NVML's utilisation: the share of the last moments in which a kernel was running.

    It measures how long the GPU worked, not how hard. ``mean`` is in [0, 1]; None without a GPU, or if NVML
    (`nvidia-ml-py`) is unavailable.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._samples: list[int] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    @property
    def mean(self) -> float | None:
        """Return the mean of the samples so far."""
        return sum(self._samples) / len(self._samples) / 100 if self._samples else None

    def __enter__(self) -> Self:
        if self._device.type == "cuda":
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _sample(self) -> None:
        while not self._stopped.wait(1 / SAMPLES_PER_SECOND):
            try:
                self._samples.append(torch.cuda.utilization(self._device))
            except (ModuleNotFoundError, RuntimeError) as error:
                print(f"NVML cannot be asked: {error}", flush=True)
                return
