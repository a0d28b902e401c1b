"""The stage that brings the painted picture to the photo's size."""

from pipeline.artifacts import PHOTO, RESULT
from pipeline.composite import composite
from pipeline.models.artifacts import KEPT
from pipeline.models.painter import CHOSEN
from pipeline.stages import Stage, Work


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
