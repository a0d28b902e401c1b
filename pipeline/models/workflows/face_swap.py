"""``face_swap`` on the models engine: swaps faces by a recognition network and inswapper."""

import cv2
import numpy as np

from darkroom.contract.digital_source import DigitalSource
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import OBJECTS, PHOTO, RESULT, SAVED
from pipeline.core.stages import Artifact, Plan, Slot, Stage, StageContext
from pipeline.imaging.face_swap_stages import (
    CHOSEN_FACES,
    SOURCE_FACE,
    TARGET_FACES,
    ChooseFaces,
    DetectFaces,
    LoadPictures,
)
from pipeline.imaging.faces import Face, colour_transferred, face_mask, face_mask_bounds, paste, warped
from pipeline.imaging.load_save import SaveResult
from pipeline.models.arrays import Floats
from pipeline.models.interfaces import DETECTION_SIDE, FaceSwapper
from pipeline.models.network_registry import FACE_ANALYSER, FACE_SWAPPER, SAFETY
from pipeline.models.stages.half_size_retry import retry_after_release, retry_at_half_size

COLOUR_STRENGTH = 0.6  # strength of the colour transfer; the network adapts to the light itself, but only at 128 pixels
MAX_SHARP_ENLARGEMENT = 2.0  # enlargement of the network's face above which a note says that it is soft

SWAPPED: Artifact[Rgb] = Artifact("swapped", "the target with its faces exchanged, not yet judged: H×W×3 uint8 sRGB")


class AnalyseFaces(DetectFaces):
    """Detect the faces of both pictures, with their identity embeddings."""

    networks = (FACE_ANALYSER,)

    def run(self, context: StageContext) -> None:
        """Detect the faces, at half the size after running out of memory.

        Raises ``DarkroomError``: ``no_face``, and ``out_of_memory`` if half the size is too large, too.
        """
        retry_at_half_size(
            context, self.name, lambda side: self._analyse(context, side), DETECTION_SIDE, lambda: DETECTION_SIDE // 2
        )

    def _analyse(self, context: StageContext, side: int) -> None:
        with context.use_networks(FACE_ANALYSER) as networks:
            self.detect_in_both(context, lambda picture, _which: networks[FACE_ANALYSER].analyse(picture, side))


class SwapFaces(Stage):
    """Render the source's face in each chosen face's pose and light, and blend it in."""

    name = "swap"
    message = "Swapping the faces"
    slot = Slot.COMPUTE
    requires = (PHOTO, SOURCE_FACE, TARGET_FACES, CHOSEN_FACES)
    provides = (SWAPPED,)
    networks = (FACE_SWAPPER,)

    def run(self, context: StageContext) -> None:
        """Swap the faces, once more after running out of memory: faces have one size, so others' memory must do.

        Raises ``DarkroomError`` (``out_of_memory``) if it runs out again.
        """
        result, largest = retry_after_release(context, self.name, lambda: self._swapped(context))
        if largest > MAX_SHARP_ENLARGEMENT:
            context.notes.append(
                f"The network makes small faces; this one was enlarged {largest:.1f} times and is soft."
            )
        context[SWAPPED] = result

    def _swapped(self, context: StageContext) -> tuple[Rgb, float]:
        """Return the target with its faces exchanged, and how many times the largest was enlarged."""
        faces, chosen, identity = context[TARGET_FACES], context[CHOSEN_FACES], context[SOURCE_FACE].embedding
        assert identity is not None
        result, largest = context[PHOTO].copy(), 0.0
        with context.use_networks(FACE_SWAPPER) as networks:
            for done, index in enumerate(chosen, 1):
                largest = max(
                    largest, swap_face(networks[FACE_SWAPPER], context[PHOTO], result, faces[index], identity)
                )
                context.report(done / len(chosen))
        return result, largest


class CheckSwappedSafety(Stage):
    """Reject an unsafe picture."""

    name = "validate"
    message = "Checking the result"
    slot = Slot.COMPUTE
    requires = (SWAPPED,)
    provides = (RESULT,)
    networks = (SAFETY,)

    def run(self, context: StageContext) -> None:
        """Check the picture. Raises ``DarkroomError`` (``rejected_content``) if it is unsafe."""
        with context.use_networks(SAFETY) as networks:
            if networks[SAFETY].unsafe(context[SWAPPED]):
                raise DarkroomError(
                    ErrorCode.REJECTED_CONTENT,
                    "The picture that was made is not safe for work and was thrown away. Try another target.",
                )
        context[RESULT] = context[SWAPPED]


def swap_face(swapper: FaceSwapper, photo: Rgb, result: Rgb, given: Face, identity: Floats) -> float:
    """Render ``identity`` in place of the face ``given`` of ``photo``, and blend it into ``result``, both H×W×3 uint8.

    Returns how many times the network's face was enlarged.
    """
    region = face_mask_bounds(given.landmarks, *photo.shape[:2])
    background = result[region]
    if min(background.shape[:2]) < 2:
        return 0.0
    swapped, transform = swapper.swap(photo, given, identity)
    corner = np.array((region[1].start, region[0].start), np.float32)
    inverse = np.asarray(cv2.invertAffineTransform(transform), np.float32)
    inverse[:, 2] -= corner
    height, width = background.shape[:2]
    face, cover = warped(swapped, inverse, height, width)
    mask = face_mask(given.landmarks - corner, height, width) * cover
    paste(result, colour_transferred(face, background, mask, strength=COLOUR_STRENGTH), mask, region)
    return float(np.sqrt(abs(np.linalg.det(inverse[:, :2].astype(np.float64)))))


def plan() -> Plan:
    """Build the plan."""
    steps: tuple[tuple[Stage, float], ...] = (
        (LoadPictures(), 0.1),
        (AnalyseFaces(), 0.35),
        (ChooseFaces(), 0.02),
        (SwapFaces(), 0.3),
        (CheckSwappedSafety(), 0.13),
        (SaveResult(DigitalSource.COMPOSITE_WITH_TRAINED), 0.1),
    )
    return Plan(Kind.FACE_SWAP, Engine.MODELS, steps, results=(SAVED, OBJECTS))
