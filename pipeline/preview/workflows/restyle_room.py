"""``restyle_room`` on the preview engine: finds the room, repaints it in the style's materials, grades the light."""

import numpy as np

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.params import RestyleRoomParams, Room
from darkroom.contract.styles import Finish, Style, styles
from pipeline.core.arrays import Floats
from pipeline.core.artifacts import OBJECTS, PHOTO, QUALITY, RESULT, SAVED
from pipeline.core.stages import Artifact, Plan, Slot, Stage, StageContext
from pipeline.imaging.bands import compute_in_bands
from pipeline.imaging.composite import composite
from pipeline.imaging.load_save import LoadPhoto, SaveResult
from pipeline.imaging.outlines import objects_at_points
from pipeline.preview.rendering import colour_grading, quality, repaint
from pipeline.preview.rendering.repaint import RepaintContext
from pipeline.preview.room import depth
from pipeline.preview.room.box import WALLS, BoxSide
from pipeline.preview.room.layout import Doubt, RoomLayout, to_analysis_size
from pipeline.preview.room.stages import LAYOUT, FindLayout, object_segments_of

SEAM = 1 / 640  # of the longer side: feather around kept objects, a pixel of the analysed size

DEPTH: Artifact[Floats | None] = Artifact("depth", "h×w float32, distance in camera heights; None without a room")
REPAINTED: Artifact[np.ndarray] = Artifact("repainted", "H×W×3 uint8 sRGB, new materials in the photo's own light")
GRADED: Artifact[np.ndarray] = Artifact("graded", "H×W×3 uint8 sRGB, repainted, in the style's light")


class EstimateDepth(Stage):
    """Estimate depth from the room's geometry."""

    name = "depth"
    message = "Measuring depth"
    slot = Slot.COMPUTE
    requires = (LAYOUT,)
    provides = (DEPTH,)

    def run(self, context: StageContext) -> None:
        layout = context[LAYOUT]
        confident = layout.recognised
        context[DEPTH] = depth.estimate_depth(layout.box, layout.camera, layout.surfaces) if confident else None


class RepaintSurfaces(Stage):
    """Repaint floor, walls and ceiling in perspective under the photo's own light; objects stay untouched."""

    name = "repaint"
    message = "Laying the new floor and painting the walls"
    slot = Slot.COMPUTE
    requires = (PHOTO, LAYOUT)
    provides = (REPAINTED,)

    def run(self, context: StageContext) -> None:
        photo, layout, params = context[PHOTO], context[LAYOUT], context.params_as(RestyleRoomParams)
        context.notes += _ignored_param_notes(params)
        context.notes += _doubt_notes(layout)
        if not layout.repaintable:
            context[REPAINTED] = photo
            return
        finishes = choose_finishes(styles()[params.style], params.room, layout)
        repaint_plan = repaint.prepare_repaint(photo, layout.box, layout.camera, layout.certain, finishes, params.seed)
        context[REPAINTED] = _in_bands(context, photo, repaint_plan, params.strength)


def _ignored_param_notes(params: RestyleRoomParams) -> list[str]:
    """Return a note for each parameter that only the models engine can honour."""
    notes = []
    if params.room is None:
        notes.append(
            "The preview engine does not recognise rooms; for the floor of a kitchen or a bathroom, name the room."
        )
    if params.prompt or params.negative_prompt:
        notes.append("The preview engine does not read words: prompt and negative_prompt had no effect.")
    if params.keep:
        notes.append(
            "The preview engine repaints floor, walls and ceiling alone: everything else is kept, not just "
            f"{', '.join(params.keep)}."
        )
    return notes


def _doubt_notes(layout: RoomLayout) -> list[str]:
    """Return a note on what was not repainted, and why."""
    only_light = "only the light was changed."
    if Doubt.TOO_DARK in layout.doubts:
        return [f"The photo is too dark to tell floor, walls and ceiling from furniture: {only_light}"]
    if Doubt.NO_COLOUR in layout.doubts:
        return [f"The photo has no colours by which to tell floor, walls and ceiling from furniture: {only_light}"]
    if not layout.repaintable:
        return [f"No floor, walls or ceiling were found with confidence: {only_light}"]
    unsure = [f"the {doubt.value}" for doubt in layout.doubts]
    if not unsure:
        return []
    return [f"The preview engine could not tell {' and '.join(unsure)} from furniture: left as in the photo."]


def _in_bands(context: StageContext, photo: np.ndarray, repaint_plan: RepaintContext, strength: float) -> np.ndarray:
    height, width = photo.shape[:2]
    result = np.empty_like(photo)

    def repaint_rows(rows: slice) -> None:
        result[rows] = repaint.repaint_band(photo[rows], rows, height, repaint_plan, strength)

    compute_in_bands(width, height, repaint_rows, context.report)
    return result


class Grade(Stage):
    """Apply the style's light to the whole picture."""

    name = "grade"
    message = "Setting the light"
    slot = Slot.COMPUTE
    requires = (REPAINTED,)
    provides = (GRADED,)

    def run(self, context: StageContext) -> None:
        picture, params = context[REPAINTED], context.params_as(RestyleRoomParams)
        height, width = picture.shape[:2]
        light = styles()[params.style].light
        result = np.empty_like(picture)

        def grade_rows(rows: slice) -> None:
            result[rows] = colour_grading.grade(picture[rows], light, params.strength, rows=rows, height=height)

        compute_in_bands(width, height, grade_rows, context.report)
        context[GRADED] = result


class RestoreKeptObjects(Stage):
    """Restore the objects at the requested points as they are in the photo. Without points, no objects are searched."""

    name = "keep"
    message = "Laying back what stays as it is"
    slot = Slot.COMPUTE
    requires = (PHOTO, LAYOUT, GRADED)
    provides = (RESULT, OBJECTS)

    def run(self, context: StageContext) -> None:
        photo, points = context[PHOTO], context.params_as(RestyleRoomParams).keep_at
        if not points:
            context[RESULT], context[OBJECTS] = context[GRADED], ()
            return
        height, width = photo.shape[:2]
        segments = object_segments_of(context)
        found = segments.objects(height, width)
        kept, notes = objects_at_points(found, points, height, width)
        mask = segments.mask_at_size([index + 1 for index in kept], height, width) if kept else None
        context[RESULT] = composite(photo, context[GRADED], mask, feather=SEAM)
        context[OBJECTS] = tuple(each.model_copy(update={"kept": index in kept}) for index, each in enumerate(found))
        context.notes.extend(notes)


class Validate(Stage):
    """Score the result against the photo and the style."""

    name = "validate"
    message = "Checking the result"
    slot = Slot.COMPUTE
    requires = (PHOTO, LAYOUT, RESULT)
    provides = (QUALITY,)

    def run(self, context: StageContext) -> None:
        layout = context[LAYOUT]
        bare = layout.certain.bare if layout.repaintable else None
        params = context.params_as(RestyleRoomParams)
        style = styles()[params.style]
        photo = to_analysis_size(context[PHOTO])
        height = len(photo)
        graded = colour_grading.grade(photo, style.light, params.strength, rows=slice(0, height), height=height)
        context[QUALITY] = quality.measure_quality(
            photo, to_analysis_size(context[RESULT]), bare, list(style.palette), graded
        )


def choose_finishes(style: Style, room: Room | None, layout: RoomLayout) -> dict[BoxSide, Finish]:
    """Choose the finish of each side; the accent goes to the wall with the largest visible area."""
    seen = {wall: int(np.count_nonzero(layout.certain.mask_of(wall))) for wall in WALLS}
    best = max(WALLS, key=lambda wall: seen[wall])
    walls = {wall: style.accent if style.accent and wall == best else style.wall for wall in WALLS}
    floor = style.wet_floor if room in {Room.KITCHEN, Room.BATHROOM} else style.floor
    return {BoxSide.FLOOR: floor, BoxSide.CEILING: style.ceiling, **walls}


def plan() -> Plan:
    """Return the plan: each stage with its share of the time."""
    steps = (
        (LoadPhoto(), 0.05),
        (FindLayout(), 0.38),
        (EstimateDepth(), 0.04),
        (RepaintSurfaces(), 0.28),
        (Grade(), 0.08),
        (RestoreKeptObjects(), 0.05),
        (Validate(), 0.04),
        (SaveResult(), 0.08),
    )
    return Plan(Kind.RESTYLE_ROOM, Engine.PREVIEW, steps, results=(SAVED, QUALITY, OBJECTS))
