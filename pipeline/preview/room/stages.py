"""The stages that look at a photo: its room and its things. What one kind saw of it serves the other."""

import numpy as np

from pipeline.core.artifacts import PHOTO
from pipeline.core.stages import Artifact, Slot, Stage, StageContext
from pipeline.preview.room import object_segments
from pipeline.preview.room.layout import RoomLayout, estimate_layout, to_analysis_size
from pipeline.preview.room.object_segments import ObjectSegments

MIN_LAYOUT_CONFIDENCE = 0.35  # confidence below which a room is not repainted

LAYOUT: Artifact[RoomLayout] = Artifact("layout", "camera, room box, bare surfaces at the analysed size; confidence")
OBJECT_SEGMENTS: Artifact[ObjectSegments] = Artifact(
    "things", "h×w uint8 at the analysed size, which thing is where; a score for each"
)


class FindLayout(Stage):
    """Lines, vanishing points, the room as a box, and what of its sides is bare."""

    name = "layout"
    message = "Finding floor, walls and ceiling"
    slot = Slot.COMPUTE
    requires = (PHOTO,)
    provides = (LAYOUT,)
    depends = ()
    cached = True

    def run(self, work: StageContext) -> None:
        work[LAYOUT] = estimate_layout(to_analysis_size(work[PHOTO]))


class SegmentObjects(Stage):
    """What is not the room itself, parted into things; where no room is known, into parts of the picture."""

    name = "things"
    message = "Telling things apart"
    slot = Slot.COMPUTE
    requires = (PHOTO, LAYOUT)
    provides = (OBJECT_SEGMENTS,)
    depends = ()
    cached = True

    def run(self, work: StageContext) -> None:
        work[OBJECT_SEGMENTS] = object_segments_of(work)


def object_segments_of(work: StageContext) -> ObjectSegments:
    """The things in a job's photo whose layout is known. Takes most of a second where there is much to see."""
    layout = work[LAYOUT]
    bare = np.asarray(layout.surfaces.bare) if layout.confidence >= MIN_LAYOUT_CONFIDENCE else None
    return object_segments.segment_objects(to_analysis_size(work[PHOTO]), bare, work.report)
