"""Keep mask stage: selects the objects that stay as they are."""

import numpy as np

from darkroom.contract.coco_objects import PERSON
from darkroom.contract.params import RestyleRoomParams
from darkroom.contract.results import FoundObject
from pipeline.core.artifacts import OBJECTS, PHOTO
from pipeline.core.stages import Stage, StageContext
from pipeline.imaging.outlines import objects_at_points
from pipeline.models.arrays import Masks
from pipeline.models.artifacts import DETECTIONS, KEEP_MASK, MASK_LOGITS
from pipeline.models.stages.detected_objects import add_mask, objects_from_detections


class BuildKeepMask(Stage):
    """Build the result's objects, and the mask of those to keep, which the params select by name or by a point."""

    name = "keep"
    message = "Choosing what stays as it is"
    requires = (PHOTO, DETECTIONS, MASK_LOGITS)
    provides = (OBJECTS, KEEP_MASK)
    depends_on_params = ("keep", "keep_at", "keep_people")

    def run(self, work: StageContext) -> None:
        params = work.params_as(RestyleRoomParams)
        height, width = work[PHOTO].shape[:2]
        detections, outlines = work[DETECTIONS], work[MASK_LOGITS]
        asked = {*params.keep, *([PERSON] if params.keep_people else [])}
        found = objects_from_detections(detections, outlines, height, width)
        pointed, notes = objects_at_points(found, params.keep_at, height, width)
        objects: list[FoundObject] = []
        kept: Masks | None = None
        for index, each in enumerate(found):
            stays = (each.label in asked and each.area > 0) or index in pointed
            if stays:
                kept = np.zeros((height, width), bool) if kept is None else kept
                add_mask(kept, outlines.logits[index], detections[index].box)
            objects.append(each.model_copy(update={"kept": stays}))
        work[OBJECTS] = tuple(sorted(objects, key=lambda each: -each.area))
        work[KEEP_MASK] = kept
        known = {each.label for each in objects if each.kept}
        work.notes.extend(
            f"No {label} was found to keep." for label in dict.fromkeys(params.keep) if label not in known
        )
        work.notes.extend(notes)
