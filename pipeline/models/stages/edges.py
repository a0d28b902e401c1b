"""Edge detection stage (Canny)."""

from typing import Any

import cv2
from numpy.typing import NDArray

from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import PHOTO
from pipeline.core.stages import Stage, StageContext
from pipeline.models.arrays import Bytes
from pipeline.models.artifacts import EDGES
from pipeline.models.letterbox import photo_letterbox

BLUR_KERNEL = (5, 5)
THRESHOLDS = (100, 200)


class FindEdges(Stage):
    """Detect edges at the working size (Canny, A Computational Approach to Edge Detection, 1986)."""

    name = "edges"
    message = "Finding edges"
    requires = (PHOTO,)
    provides = (EDGES,)
    depends_on_params = ()
    cacheable = True

    def run(self, context: StageContext) -> None:
        context[EDGES] = find_edges(photo_letterbox(context).to_canvas(context[PHOTO]))


def find_edges(picture: Rgb, *, threshold_scale: float = 1.0) -> Bytes:
    """Detect the edges of h×w×3 uint8 sRGB: h×w uint8, 255 on an edge, else 0.

    A ``threshold_scale`` below 1 also finds fainter edges.
    """
    low, high = THRESHOLDS
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), BLUR_KERNEL, 0)
    edges: NDArray[Any] = cv2.Canny(grey, threshold_scale * low, threshold_scale * high)
    return edges
