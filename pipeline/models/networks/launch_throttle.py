"""How far ahead of the GPU the one may be who gives it its work."""

import torch


class LaunchThrottle:
    """Keeps who gives the GPU its work at most a step ahead of it, so that a step heard of is one that was done.

    A step ahead, the GPU never waits; further ahead, it would go on with the steps of a job that was cancelled.
    """

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._last: torch.cuda.Event | None = None

    def step_launched(self) -> None:
        """The work of one more step was given."""
        if not self._cuda:
            return
        ended = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call] # torch
        ended.record()
        if self._last is not None:
            self._last.synchronize()
        self._last = ended
