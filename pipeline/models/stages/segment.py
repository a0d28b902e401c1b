"""Segmentation stage: masks of the detected objects."""

import numpy as np

from pipeline.core.artifacts import PHOTO
from pipeline.core.stages import Slot, Stage, StageContext
from pipeline.models.artifacts import DETECTIONS, MASK_LOGITS, MaskLogits
from pipeline.models.network_registry import SEGMENTER


class Segment(Stage):
    """Segment each detected object, prompted with its box.

    Does not depend on which objects are kept, so that the output is cacheable.
    """

    name = "segment"
    message = "Outlining what was found"
    slot = Slot.COMPUTE
    requires = (PHOTO, DETECTIONS)
    provides = (MASK_LOGITS,)
    networks = (SEGMENTER,)
    depends_on_params = ()
    cacheable = True

    def run(self, context: StageContext) -> None:
        boxes = [each.box for each in context[DETECTIONS]]
        if not boxes:
            context[MASK_LOGITS] = MaskLogits(np.zeros((0, 1, 1), np.float16))
            return
        with context.use_networks(SEGMENTER) as networks:
            logits = networks[SEGMENTER].segment(context[PHOTO], boxes)
        limit = float(np.finfo(np.float16).max)
        context[MASK_LOGITS] = MaskLogits(np.clip(logits, -limit, limit).astype(np.float16))
