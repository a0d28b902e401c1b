"""``find_objects`` on the models engine: detection and segmentation, drawn over the photo.

The first stages are those of ``restyle_room``, so that both share cached outputs.
"""

from darkroom.contract.digital_source import DigitalSource
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from pipeline.core.artifacts import OBJECTS, PHOTO, SAVED
from pipeline.core.stages import Plan, Stage, StageContext
from pipeline.imaging.load_save import LoadPhoto, SaveResult
from pipeline.imaging.object_overlay import DrawObjects
from pipeline.imaging.outlines import MAX_OBJECTS
from pipeline.models.artifacts import DETECTIONS, MASK_LOGITS
from pipeline.models.stages.detect import Detect
from pipeline.models.stages.detected_objects import objects_from_detections
from pipeline.models.stages.segment import Segment


class ListObjects(Stage):
    """Build the result's objects: the largest ones detected."""

    name = "outline"
    message = "Drawing round what was found"
    requires = (PHOTO, DETECTIONS, MASK_LOGITS)
    provides = (OBJECTS,)

    def run(self, context: StageContext) -> None:
        height, width = context[PHOTO].shape[:2]
        detections, outlines = context[DETECTIONS], context[MASK_LOGITS]
        found = objects_from_detections(detections, outlines, height, width)
        outlined = sorted((each for each in found if each.outlines), key=lambda each: -each.area)
        if not outlined:
            context.add_note("Nothing was found in this photo.")
        elif len(found) > MAX_OBJECTS:
            context.add_note(f"{len(found)} things were found; these are the largest {len(outlined)}.")
        context[OBJECTS] = tuple(outlined)


def plan() -> Plan:
    """Build the plan."""
    steps = (
        (LoadPhoto(), 0.1),
        (Detect(), 0.3),
        (Segment(), 0.4),
        (ListObjects(), 0.05),
        (DrawObjects(), 0.05),
        (SaveResult(DigitalSource.COMPOSITE_WITH_TRAINED), 0.1),
    )
    return Plan(Kind.FIND_OBJECTS, Engine.MODELS, steps, results=(SAVED, OBJECTS))
