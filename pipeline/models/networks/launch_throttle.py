"""Launch throttle: limits how far the CPU queues work ahead of the GPU."""

import torch


class LaunchThrottle:
    """Limits the CPU to one denoising step ahead of the GPU, so that reported steps are done.

    With one step queued the GPU never waits. With more it would go on with a cancelled job.
    """

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._last_event: torch.cuda.Event | None = None

    def step_launched(self) -> None:
        """Record that a step was launched, and wait until the step before it is done. No effect on the CPU."""
        if not self._cuda:
            return
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call] # torch
        event.record()
        if self._last_event is not None:
            self._last_event.synchronize()
        self._last_event = event
