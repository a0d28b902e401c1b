"""``depth_map`` on the models engine: the depth network, at the photo's size."""

import numpy as np

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.params import DepthMapParams
from pipeline.core.artifacts import PHOTO, RESULT, SAVED
from pipeline.core.stages import Plan, Slot, Stage, StageContext
from pipeline.imaging.load_save import LoadPhoto, SaveResult
from pipeline.models.artifacts import DEPTH
from pipeline.models.letterbox import photo_letterbox
from pipeline.models.stages.depth import EstimateDepth


class ResizeDepth(Stage):
    """Bring the depth to the photo's size, as a grey picture."""

    name = "resize"
    message = "Bringing depth to the photo's size"
    slot = Slot.CPU
    requires = (PHOTO, DEPTH)
    provides = (RESULT,)

    def run(self, context: StageContext) -> None:
        grey = photo_letterbox(context).from_canvas(context[DEPTH])
        if context.params_as(DepthMapParams).inverted:
            grey = 255 - grey
        context[RESULT] = np.repeat(grey[:, :, None], 3, axis=2)


def plan() -> Plan:
    """Build the plan."""
    steps = ((LoadPhoto(), 0.1), (EstimateDepth(), 0.7), (ResizeDepth(), 0.1), (SaveResult(), 0.1))
    return Plan(Kind.DEPTH_MAP, Engine.MODELS, steps, results=(SAVED,))
