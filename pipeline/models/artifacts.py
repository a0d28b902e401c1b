"""Artifacts of the models engine: values passed between its stages only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.core.stages import Artifact
from pipeline.models.arrays import Bytes, Masks
from pipeline.models.interfaces import Detection


@dataclass(frozen=True)
class MaskLogits:
    """Segmentation logits of N objects.

    ``logits`` is N×h×w float16 over the whole photo, at the network's own resolution: positive inside. Fifty objects of
    a 50-megapixel photo take a few megabytes, and masks interpolated to full size have smooth edges.
    """

    logits: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.logits)


DETECTIONS: Artifact[tuple[Detection, ...]] = Artifact("detections", "COCO class, box and score of each, surest first")
MASK_LOGITS: Artifact[MaskLogits] = Artifact(
    "outlines", "N×h×w float16 logits over the whole photo, one for each detection"
)
KEEP_MASK: Artifact[Masks | None] = Artifact(
    "kept", "H×W bool, the photo's size: what must stay as it is; None for nothing"
)
DEPTH: Artifact[Bytes] = Artifact("depth", "h×w uint8 at the working size, grey, near = bright")
EDGES: Artifact[Bytes] = Artifact("edges", "h×w uint8 at the working size, 255 on an edge, else 0 (Canny)")

__all__ = ["DEPTH", "DETECTIONS", "EDGES", "KEEP_MASK", "MASK_LOGITS", "MaskLogits"]
