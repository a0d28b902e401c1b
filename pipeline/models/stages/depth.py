"""Depth estimation stage."""

import numpy as np

from pipeline.core.artifacts import PHOTO
from pipeline.core.stages import Slot, Stage, StageContext
from pipeline.models.arrays import Bytes, Floats
from pipeline.models.artifacts import DEPTH
from pipeline.models.letterbox import photo_letterbox
from pipeline.models.network_registry import DEPTH_ESTIMATOR

CLIP_PERCENTILES = (2.0, 98.0)  # percentiles that become black and white, so that outliers do not set the range
FLAT_GREY = 128  # value of a scene without depth, such as a wall photographed head-on


class EstimateDepth(Stage):
    """Estimate relative depth at the working size, as a grey picture for ControlNet: near = bright."""

    name = "depth"
    message = "Measuring depth"
    slot = Slot.COMPUTE
    requires = (PHOTO,)
    provides = (DEPTH,)
    networks = (DEPTH_ESTIMATOR,)
    depends_on_params = ()
    cacheable = True

    def run(self, context: StageContext) -> None:
        canvas = photo_letterbox(context).to_canvas(context[PHOTO])
        with context.use_networks(DEPTH_ESTIMATOR) as networks:
            inverse = networks[DEPTH_ESTIMATOR].estimate(canvas)
        context[DEPTH] = depth_to_grey(inverse)


def depth_to_grey(inverse: Floats) -> Bytes:
    """Convert relative inverse depth (h×w, larger is nearer) to h×w uint8 over the whole range, near = bright.

    Without any depth, and at pixels that are not finite, the value is middle grey.
    """
    known = inverse[np.isfinite(inverse)]
    far, near = np.percentile(known, CLIP_PERCENTILES) if known.size else (0.0, 0.0)
    if near - far <= 1e-4 * max(abs(far), abs(near)):
        return np.full(inverse.shape, FLAT_GREY, np.uint8)
    share = np.nan_to_num((inverse - far) / (near - far), nan=0.5, posinf=1.0, neginf=0.0)
    bright: Bytes = (np.clip(share, 0, 1) * 255).round().astype(np.uint8)
    return bright
