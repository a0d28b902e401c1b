"""Face swap: the artifacts and stages that both engines share."""

from collections.abc import Callable, Sequence

from darkroom.contract.params import FaceSwapParams
from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import OBJECTS, PHOTO
from pipeline.core.stages import Artifact, Slot, Stage, StageContext
from pipeline.decoding.client import decode_picture
from pipeline.imaging.codec import on_white
from pipeline.imaging.faces import Face, choose_source_face, choose_target_faces, no_face_error, objects_from_faces

SOURCE: Artifact[Rgb] = Artifact("source", "the picture whose face is taken: H×W×3 uint8 sRGB, upright")
SOURCE_FACES: Artifact[tuple[Face, ...]] = Artifact("source_faces", "the source's faces, from the left")
TARGET_FACES: Artifact[tuple[Face, ...]] = Artifact("target_faces", "the target's faces, from the left")
SOURCE_FACE: Artifact[Face] = Artifact("source_face", "the face to take")
CHOSEN_FACES: Artifact[tuple[int, ...]] = Artifact(
    "chosen_faces", "which of the target's faces are replaced, by number"
)


class LoadPictures(Stage):
    """Decode both pictures within the limits, composited on white."""

    name = "load"
    message = "Opening the pictures"
    slot = Slot.CPU
    provides = (SOURCE, PHOTO)
    depends_on_params = ()

    def run(self, context: StageContext) -> None:
        context[SOURCE] = on_white(decode_picture(context.files["source"], context.check))
        context.report(0.5)
        context[PHOTO] = on_white(decode_picture(context.files["target"], context.check))


class DetectFaces(Stage):
    """Base of each engine's stage that detects the faces in both pictures."""

    name = "detect"
    message = "Looking for faces"
    slot = Slot.COMPUTE
    requires = (SOURCE, PHOTO)
    provides = (SOURCE_FACES, TARGET_FACES)
    depends_on_params = ()
    cacheable = True

    def detect_in_both(self, context: StageContext, detect: Callable[[Rgb, str], Sequence[Face]]) -> None:
        """Run ``detect`` on each picture; its second argument is ``source`` or ``target``.

        Raises ``DarkroomError`` (``no_face``).
        """
        for which, picture, faces, fraction in (
            ("source", SOURCE, SOURCE_FACES, 0.5),
            ("target", PHOTO, TARGET_FACES, 1.0),
        ):
            context[faces] = tuple(detect(context[picture], which))
            if not context[faces]:
                raise no_face_error(which)
            context.report(fraction)


class ChooseFaces(Stage):
    """Choose the source face and the target faces to replace, from the params."""

    name = "choose"
    message = "Choosing the faces"
    slot = Slot.CPU
    requires = (PHOTO, SOURCE_FACES, TARGET_FACES)
    provides = (SOURCE_FACE, CHOSEN_FACES, OBJECTS)
    depends_on_params = ("faces", "source_face")

    def run(self, context: StageContext) -> None:
        """Choose the faces. Raises ``DarkroomError``: ``no_face``, ``several_faces``."""
        params = context.params_as(FaceSwapParams)
        height, width = context[PHOTO].shape[:2]
        sources, targets = context[SOURCE_FACES], context[TARGET_FACES]
        context[SOURCE_FACE] = choose_source_face(sources, params.source_face)
        context[CHOSEN_FACES] = chosen = choose_target_faces(targets, params.faces)
        context[OBJECTS] = objects_from_faces(targets, chosen, height, width)
