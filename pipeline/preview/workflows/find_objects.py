"""``find_objects`` on the preview engine: segments everything but the room itself, without class names."""

from darkroom.contract.digital_source import DigitalSource
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from pipeline.core.artifacts import OBJECTS, PHOTO, SAVED
from pipeline.core.stages import Plan, Slot, Stage, StageContext
from pipeline.imaging.load_save import LoadPhoto, SaveResult
from pipeline.imaging.object_overlay import DrawObjects
from pipeline.preview.room.stages import LAYOUT, OBJECT_SEGMENTS, FindLayout, SegmentObjects


class ListObjects(Stage):
    """List the objects of the result, with notes on how reliable they are."""

    name = "outline"
    message = "Drawing round what was found"
    slot = Slot.COMPUTE
    requires = (PHOTO, LAYOUT, OBJECT_SEGMENTS)
    provides = (OBJECTS,)

    def run(self, context: StageContext) -> None:
        height, width = context[PHOTO].shape[:2]
        context[OBJECTS] = context[OBJECT_SEGMENTS].objects(height, width)
        if not context[OBJECTS]:
            context.add_note("Nothing was found in this photo.")
            return
        context.add_note("The preview engine tells things apart by their colours, and does not know their names.")
        if not context[LAYOUT].recognised:
            context.add_note("No room was found with confidence: these are the parts of the picture that stand out.")


def plan() -> Plan:
    """Return the plan: each stage with its share of the time."""
    steps = (
        (LoadPhoto(), 0.1),
        (FindLayout(), 0.55),
        (SegmentObjects(), 0.2),
        (ListObjects(), 0.02),
        (DrawObjects(), 0.05),
        (SaveResult(DigitalSource.COMPOSITE_WITH_TRAINED), 0.08),
    )
    return Plan(Kind.FIND_OBJECTS, Engine.PREVIEW, steps, results=(SAVED, OBJECTS))
