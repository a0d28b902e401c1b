"""``face_swap`` on the preview engine: moves, recolours and blends the source's face into the target.

It generates no pixels: pose and expression stay the source's, so it works best if both faces have the same pose.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np

from darkroom.contract.digital_source import DigitalSource
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from pipeline.core.arrays import Floats, Rgb
from pipeline.core.artifacts import OBJECTS, PHOTO, RESULT, SAVED
from pipeline.core.stages import Artifact, Plan, Slot, Stage, StageContext
from pipeline.imaging.bands import compute_in_bands
from pipeline.imaging.face_swap_stages import (
    CHOSEN_FACES,
    SOURCE,
    SOURCE_FACE,
    TARGET_FACES,
    ChooseFaces,
    DetectFaces,
    LoadPictures,
)
from pipeline.imaging.faces import (
    Face,
    colour_transferred,
    face_mask,
    face_mask_bounds,
    no_face_error,
    paste,
    similarity_transform,
    warped,
)
from pipeline.imaging.load_save import SaveResult
from pipeline.imaging.resize import linearly_enlarged
from pipeline.preview.faces.detection import detect_faces, has_profile_face, has_turned_face
from pipeline.preview.faces.verification import covered_part

BLEND_SIDE = 256  # pixels a side while blending: the change is smooth, and larger pictures take seconds
BLEND_SHARE = 0.7  # share of the target's light on the face; all of it lets the old face shine through
MASK_THRESHOLD = 0.08  # mask value from which gradients are blended
MIN_EYE_DISTANCE = 6.0  # pixels between the eyes; smaller faces have too little detail


class DetectFrontalFaces(DetectFaces):
    """Detect the frontal faces of both pictures, in parallel."""

    def run(self, context: StageContext) -> None:
        """Detect the faces. Raises ``DarkroomError`` (``no_face_error``), of the source first."""
        pictures = {"source": context[SOURCE], "target": context[PHOTO]}
        with ThreadPoolExecutor(thread_name_prefix="faces") as pool:
            found = {which: pool.submit(_detect_usable_faces, picture, which) for which, picture in pictures.items()}

            def detected(_picture: Rgb, which: str) -> tuple[Face, ...]:
                faces, note = found[which].result()
                if note is not None:
                    context.add_note(note)
                return faces

            self.detect_in_both(context, detected)


class SwapFaces(Stage):
    """Put the source's face in the place of each chosen face."""

    name = "swap"
    message = "Swapping the faces"
    slot = Slot.COMPUTE
    requires = (SOURCE, PHOTO, SOURCE_FACE, TARGET_FACES, CHOSEN_FACES)
    provides = (RESULT,)

    def run(self, context: StageContext) -> None:
        faces, chosen = context[TARGET_FACES], context[CHOSEN_FACES]
        # In place, as a large photo takes much memory and no later stage reads it.
        result = context[PHOTO]
        for done, index in enumerate(chosen, 1):
            swap_face(context[SOURCE], context[SOURCE_FACE], result, faces[index])
            context.report(done / len(chosen))
        context[RESULT] = result
        context.notes.append(
            "A preview: the source's face is moved into place as it is, with its own pose and expression."
        )


def swap_face(source: Rgb, source_face: Face, target: Rgb, target_face: Face) -> None:
    """Blend ``source_face`` of ``source`` over ``target_face`` of ``target`` (both H×W×3 uint8), in place."""
    region = face_mask_bounds(target_face.landmarks, *target.shape[:2])
    background = target[region]
    if min(background.shape[:2]) < 2:
        return
    corner = np.array((region[1].start, region[0].start), np.float32)
    points = target_face.landmarks - corner
    height, width = background.shape[:2]
    # One name for each, so that no array is held for longer than needed.
    face, mask = warped(source, _fit_transform(source_face.landmarks, points), height, width)
    mask *= face_mask(points, height, width)
    face = colour_transferred(face, background, mask)
    face = _relit(face, background, mask)
    paste(target, face, mask, region)


def _detect_usable_faces(picture: Rgb, which: str) -> tuple[tuple[Face, ...], str | None]:
    """Detect the faces that can be swapped; return them, and a note if others were left out.

    Raises ``DarkroomError`` (``no_face``), saying why there are none.
    """
    faces = detect_faces(picture)
    if not faces:
        raise no_face_error(which, _reason_for_no_face(picture, which))
    large = tuple(face for face in faces if np.hypot(*(face.landmarks[1] - face.landmarks[0])) >= MIN_EYE_DISTANCE)
    if not large:
        raise no_face_error(which, f"The face in the {which} picture is too small.")
    covered = [covered_part(picture, face) for face in large]
    usable = tuple(face for face, part in zip(large, covered, strict=True) if part is None)
    if not usable:
        part = next(part for part in covered if part is not None)
        raise no_face_error(which, f"The {part.value} of the face in the {which} picture cannot be seen.")
    left_out = f"Faces in the {which} picture whose eyes or mouth cannot be seen were left out, and not counted."
    return usable, left_out if len(usable) < len(large) else None


def _reason_for_no_face(picture: Rgb, which: str) -> str:
    if has_turned_face(picture):
        return f"The face in the {which} picture lies on its side or is upside down."
    return f"The face in the {which} picture is turned or tilted too far." if has_profile_face(picture) else ""


def _fit_transform(source: Floats, target: Floats) -> Floats:
    """Fit the transform between two sets of five landmarks: affine if it distorts little, else a similarity."""
    similarity = similarity_transform(source, target)
    ones = np.column_stack([source, np.ones(len(source), np.float32)]).astype(np.float64)
    affine = np.linalg.lstsq(ones, target.astype(np.float64), rcond=None)[0].T
    wide, narrow = np.linalg.svd(affine[:, :2], compute_uv=False)
    distorts = narrow <= 0 or wide / narrow > 1.3 or np.linalg.det(affine[:, :2]) <= 0
    return np.asarray(similarity if distorts else affine, np.float32)


def _relit(face: Rgb, background: Rgb, mask: Floats) -> Rgb:
    """Relight ``face`` like ``background`` (both h×w×3 uint8): adds the low frequencies of their Poisson blend.

    Pérez et al., Poisson Image Editing, 2003. At most ``BLEND_SIDE`` pixels a side; unchanged if there is no room to
    blend.
    """
    height, width = face.shape[:2]
    gain = min(BLEND_SIDE / max(height, width), 1.0)
    size = (max(round(width * gain), 8), max(round(height * gain), 8))
    small_face, small_background, where = (
        cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (face, background, mask)
    )
    # OpenCV reads out of bounds if the mask touches the border, so all get a frame.
    frame = 4
    small_face, small_background = (
        cv2.copyMakeBorder(each, frame, frame, frame, frame, cv2.BORDER_REPLICATE)
        for each in (small_face, small_background)
    )
    area = (where > MASK_THRESHOLD).astype(np.uint8) * 255
    area = np.asarray(cv2.copyMakeBorder(area, frame, frame, frame, frame, cv2.BORDER_CONSTANT), np.uint8)
    rows, columns = np.flatnonzero(area.any(1)), np.flatnonzero(area.any(0))
    if len(rows) < 8 or len(columns) < 8:
        return face
    # seamlessClone centres the mask's bounding box on the given point.
    x0, y0 = int(columns[0]), int(rows[0])
    middle = (x0 + (int(columns[-1]) - x0 + 1) // 2, y0 + (int(rows[-1]) - y0 + 1) // 2)
    try:
        blended = cv2.seamlessClone(small_face, small_background, area, middle, cv2.NORMAL_CLONE)
    except cv2.error:
        return face
    change = cv2.GaussianBlur(blended.astype(np.float32) - small_face, (0, 0), 0.02 * max(size) + 1)
    change = np.ascontiguousarray(BLEND_SHARE * change[frame:-frame, frame:-frame])
    result = np.empty_like(face)

    def relight_rows(rows: slice) -> None:
        light = linearly_enlarged(change, width, height, rows)
        result[rows] = cv2.add(face[rows], light, dtype=cv2.CV_8U)

    compute_in_bands(width, height, relight_rows)
    return result


def plan() -> Plan:
    """Return the plan: each stage with its share of the time."""
    steps: tuple[tuple[Stage, float], ...] = (
        (LoadPictures(), 0.15),
        (DetectFrontalFaces(), 0.4),
        (ChooseFaces(), 0.05),
        (SwapFaces(), 0.25),
        (SaveResult(DigitalSource.COMPOSITE_WITH_TRAINED), 0.15),
    )
    results: tuple[Artifact[Any], ...] = (SAVED, OBJECTS)
    return Plan(Kind.FACE_SWAP, Engine.PREVIEW, steps, results=results)
