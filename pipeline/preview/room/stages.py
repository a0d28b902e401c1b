"""The stages that look at a photo: its room and its things. What one kind saw of it serves the other."""

import numpy as np

from pipeline.core.artifacts import PHOTO
from pipeline.core.stages import Artifact, Slot, Stage, Work
from pipeline.preview.room import object_segments
from pipeline.preview.room.layout import Layout, find_layout, reduced
from pipeline.preview.room.object_segments import Things

SURE = 0.35  # confidence below which a room is not repainted

LAYOUT: Artifact[Layout] = Artifact("layout", "camera, room box, bare surfaces at the analysed size; confidence")
THINGS: Artifact[Things] = Artifact("things", "h×w uint8 at the analysed size, which thing is where; a score for each")


class FindLayout(Stage):
    """Lines, vanishing points, the room as a box, and what of its sides is bare."""

    name = "layout"
    message = "Finding floor, walls and ceiling"
    slot = Slot.COMPUTE
    requires = (PHOTO,)
    provides = (LAYOUT,)
    depends = ()
    cached = True

    def run(self, work: Work) -> None:
        work[LAYOUT] = find_layout(reduced(work[PHOTO]))


class FindThings(Stage):
    """What is not the room itself, parted into things; where no room is known, into parts of the picture."""

    name = "things"
    message = "Telling things apart"
    slot = Slot.COMPUTE
    requires = (PHOTO, LAYOUT)
    provides = (THINGS,)
    depends = ()
    cached = True

    def run(self, work: Work) -> None:
        work[THINGS] = tell_apart(work)


def tell_apart(work: Work) -> Things:
    """The things in a job's photo whose layout is known. Takes most of a second where there is much to see."""
    layout = work[LAYOUT]
    bare = np.asarray(layout.surfaces.bare) if layout.confidence >= SURE else None
    return object_segments.find(reduced(work[PHOTO]), bare, work.report)
