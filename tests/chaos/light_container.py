"""Container with light plans: the real server, worker and storage, whose jobs take a moment and little CPU.

Every kind has the same plan. It reports progress, stores an intermediate if the kind makes videos, and saves one file.
"""

import time
from pathlib import Path

from containers.gpu import __main__ as container
from containers.worker.plan_preparer import PlanFor
from containers.worker.settings import Settings
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import VIDEO_KINDS, Kind
from pipeline.core.artifacts import SAVED, SavedFile, SavedPicture, SavedVideo
from pipeline.core.stages import Plan, Stage, StageContext

# Long enough to be killed in the middle.
STEPS = 5
STEP_SECONDS = 0.06


class LightWork(Stage):
    """Waits a moment in steps, and saves a file that names its kind."""

    name = "light"
    message = "Working"
    provides = (SAVED,)

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def run(self, context: StageContext) -> None:
        """Report each step; a video also stores each as an intermediate, which a later attempt reuses."""
        for step in range(STEPS):
            context.report(step / STEPS, f"{step} of {STEPS}")
            self._do_step(context, f"part-{step}")
        context[SAVED] = (self._save(context.folder),)

    def _do_step(self, context: StageContext, part: str) -> None:
        path = context.folder / part
        if self._kind in VIDEO_KINDS and context.intermediates.get(part, path):
            return
        time.sleep(STEP_SECONDS)  # the work
        if self._kind in VIDEO_KINDS:
            path.write_text(part)
            context.intermediates.put(part, path)

    def _save(self, folder: Path) -> SavedFile:
        path = folder / ("result.mp4" if self._kind in VIDEO_KINDS else "result.jpg")
        path.write_text(self._kind.value)
        if self._kind in VIDEO_KINDS:
            return SavedVideo("result", path, "video/mp4", 64, 64, seconds=1, frames=25, frames_per_second=25)
        return SavedPicture("result", path, "image/jpeg", 64, 64)


def light_plan(kind: Kind, engine: Engine, _allow_preview: bool) -> Plan:
    """Return the light plan of a kind."""
    return Plan(kind, engine, ((LightWork(kind), 1.0),), results=(SAVED,))


def light_plans(_settings: Settings) -> PlanFor:
    """Return the function that finds a plan, in place of the container's own."""
    return light_plan


def main() -> None:
    """Serve as the GPU container does, with light plans."""
    container._plans = light_plans
    container.main()


if __name__ == "__main__":
    main()
