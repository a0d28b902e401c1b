"""Layout and segmentation stages of the preview engine, whose cached outputs all its photo kinds share."""

import numpy as np

from pipeline.core.artifacts import PHOTO
from pipeline.core.stages import Artifact, Slot, Stage, StageContext
from pipeline.preview.room import object_segments
from pipeline.preview.room.layout import RoomLayout, estimate_layout, to_analysis_size
from pipeline.preview.room.object_segments import ObjectSegments

LAYOUT: Artifact[RoomLayout] = Artifact("layout", "camera, room box, bare surfaces at the analysed size; confidence")
OBJECT_SEGMENTS: Artifact[ObjectSegments] = Artifact(
    "things", "h×w uint8 at the analysed size, which thing is where; a score for each"
)


class FindLayout(Stage):
    """Estimate the room layout: vanishing points, room box and bare surfaces."""

    name = "layout"
    message = "Finding floor, walls and ceiling"
    slot = Slot.COMPUTE
    requires = (PHOTO,)
    provides = (LAYOUT,)
    depends_on_params = ()
    cacheable = True

    def run(self, context: StageContext) -> None:
        context[LAYOUT] = estimate_layout(to_analysis_size(context[PHOTO]))


class SegmentObjects(Stage):
    """Segment the objects in front of the room's surfaces, or the whole picture if no room is known."""

    name = "things"
    message = "Telling things apart"
    slot = Slot.COMPUTE
    requires = (PHOTO, LAYOUT)
    provides = (OBJECT_SEGMENTS,)
    depends_on_params = ()
    cacheable = True

    def run(self, context: StageContext) -> None:
        context[OBJECT_SEGMENTS] = object_segments_of(context)


def object_segments_of(context: StageContext) -> ObjectSegments:
    """Segment the objects in a job's photo, whose layout is known. Takes most of a second for busy photos."""
    layout = context[LAYOUT]
    bare = np.asarray(layout.surfaces.bare) if layout.recognised else None
    return object_segments.segment_objects(to_analysis_size(context[PHOTO]), bare, context.report)
