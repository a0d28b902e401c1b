"""The stage that brings the painted picture to the photo's size."""

from pipeline.core.artifacts import PHOTO, RESULT
from pipeline.core.stages import Stage, StageContext
from pipeline.imaging.composite import composite
from pipeline.models.artifacts import KEEP_MASK
from pipeline.models.stages.denoising import SELECTED


class CompositeKept(Stage):
    """Enlarge the picture, and lay what is kept over it at the photo's full resolution.

    Not on the device's time: of a large photo this is most of a second.
    """

    name = "finish"
    message = "Bringing the picture to the photo's size"
    requires = (PHOTO, KEEP_MASK, SELECTED)
    provides = (RESULT,)

    def run(self, work: StageContext) -> None:
        chosen = work[SELECTED]
        work[RESULT] = composite(work[PHOTO], chosen.fit.from_canvas(chosen.picture), work[KEEP_MASK])
