"""Compositing stage: enlarges the generated picture to the photo's size and restores the kept pixels."""

from pipeline.core.artifacts import PHOTO, RESULT
from pipeline.core.stages import Stage, StageContext
from pipeline.imaging.composite import composite
from pipeline.models.artifacts import KEEP_MASK
from pipeline.models.stages.denoising import SELECTED


class CompositeKept(Stage):
    """Enlarge the picture, and paste the photo's kept pixels over it at full resolution.

    A separate CPU stage, as it takes most of a second for a large photo, which would block the device.
    """

    name = "finish"
    message = "Bringing the picture to the photo's size"
    requires = (PHOTO, KEEP_MASK, SELECTED)
    provides = (RESULT,)

    def run(self, context: StageContext) -> None:
        selected = context[SELECTED]
        context[RESULT] = composite(
            context[PHOTO], selected.letterbox.from_canvas(selected.picture), context[KEEP_MASK]
        )
