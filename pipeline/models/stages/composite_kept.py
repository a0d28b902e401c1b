"""The stage that brings the painted picture to the photo's size."""

from pipeline.core.artifacts import PHOTO, RESULT
from pipeline.core.stages import Stage, Work
from pipeline.imaging.composite import composite
from pipeline.models.artifacts import KEPT
from pipeline.models.stages.denoising import CHOSEN


class Finish(Stage):
    """Enlarge the picture, and lay what is kept over it at the photo's full resolution.

    Not on the device's time: of a large photo this is most of a second.
    """

    name = "finish"
    message = "Bringing the picture to the photo's size"
    requires = (PHOTO, KEPT, CHOSEN)
    provides = (RESULT,)

    def run(self, work: Work) -> None:
        chosen = work[CHOSEN]
        work[RESULT] = composite(work[PHOTO], chosen.fit.from_canvas(chosen.picture), work[KEPT])
