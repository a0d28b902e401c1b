"""``depth_map`` on the preview engine: distance by height in the picture, as in most photos of rooms."""

import numpy as np

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.params import DepthMapParams
from pipeline.core.artifacts import PHOTO, RESULT, SAVED
from pipeline.core.stages import Plan, Slot, Stage, StageContext
from pipeline.imaging.load_save import LoadPhoto, SaveResult


class ShadeByHeight(Stage):
    """Shade each row by its height: the bottom is near, and bright."""

    name = "shade"
    message = "Measuring distance"
    slot = Slot.COMPUTE
    requires = (PHOTO,)
    provides = (RESULT,)

    def run(self, context: StageContext) -> None:
        height, width = context[PHOTO].shape[:2]
        rows = np.linspace(0, 255, height).astype(np.uint8)
        if context.params_as(DepthMapParams).inverted:
            rows = 255 - rows
        context[RESULT] = np.broadcast_to(rows[:, None, None], (height, width, 3)).copy()


def plan() -> Plan:
    """Build the plan."""
    steps = ((LoadPhoto(), 0.2), (ShadeByHeight(), 0.5), (SaveResult(), 0.3))
    return Plan(Kind.DEPTH_MAP, Engine.PREVIEW, steps, results=(SAVED,))
