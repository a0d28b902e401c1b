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

    def run(self, context: StageContext) -> None:
        params = context.params_as(RestyleRoomParams)
        height, width = context[PHOTO].shape[:2]
        detections, mask_logits = context[DETECTIONS], context[MASK_LOGITS]
        kept_labels = {*params.keep, *([PERSON] if params.keep_people else [])}
        candidates = objects_from_detections(detections, mask_logits, height, width)
        selected, notes = objects_at_points(candidates, params.keep_at, height, width)
        objects: list[FoundObject] = []
        kept: Masks | None = None
        for index, each in enumerate(candidates):
            is_kept = (each.label in kept_labels and each.area > 0) or index in selected
            if is_kept:
                kept = np.zeros((height, width), bool) if kept is None else kept
                add_mask(kept, mask_logits.logits[index], detections[index].box)
            objects.append(each.model_copy(update={"kept": is_kept}))
        context[OBJECTS] = tuple(sorted(objects, key=lambda each: -each.area))
        context[KEEP_MASK] = kept
        kept_found = {each.label for each in objects if each.kept}
        context.notes.extend(
            f"No {label} was found to keep." for label in dict.fromkeys(params.keep) if label not in kept_found
        )
        context.notes.extend(notes)
