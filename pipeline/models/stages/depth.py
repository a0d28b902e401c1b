"""How near everything in the photo is."""

import numpy as np

from pipeline.core.artifacts import PHOTO
from pipeline.core.stages import Slot, Stage, StageContext
from pipeline.models.arrays import Bytes, Floats
from pipeline.models.artifacts import DEPTH
from pipeline.models.letterbox import photo_letterbox
from pipeline.models.network_registry import DEPTH_ESTIMATOR

EXTREMES = (2.0, 98.0)  # percentiles that become black and white: single pixels do not set the range
FLAT = 128  # what a wall photographed head-on is given: neither near nor far


class EstimateDepth(Stage):
    """Relative depth at the working size, grey, as ControlNet was trained on it: near is bright."""

    name = "depth"
    message = "Measuring depth"
    slot = Slot.COMPUTE
    requires = (PHOTO,)
    provides = (DEPTH,)
    networks = (DEPTH_ESTIMATOR,)
    depends = ()
    cached = True

    def run(self, work: StageContext) -> None:
        canvas = photo_letterbox(work).to_canvas(work[PHOTO])
        with work.use_networks(DEPTH_ESTIMATOR) as held:
            inverse = held[DEPTH_ESTIMATOR].estimate(canvas)
        work[DEPTH] = depth_to_grey(inverse)


def depth_to_grey(inverse: Floats) -> Bytes:
    """Relative inverse depth (h×w, larger is nearer) as h×w uint8 over the whole range, near = bright.

    Middle grey where there is no depth to speak of, and where the network's answer is not a number.
    """
    known = inverse[np.isfinite(inverse)]
    far, near = np.percentile(known, EXTREMES) if known.size else (0.0, 0.0)
    if near - far <= 1e-4 * max(abs(far), abs(near)):
        return np.full(inverse.shape, FLAT, np.uint8)
    share = np.nan_to_num((inverse - far) / (near - far), nan=0.5, posinf=1.0, neginf=0.0)
    bright: Bytes = (np.clip(share, 0, 1) * 255).round().astype(np.uint8)
    return bright
