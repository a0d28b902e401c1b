"""What face swapping hands on from stage to stage, and the stages that both engines share."""

from collections.abc import Callable, Sequence

from darkroom.contract.params import FaceSwapParams
from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import OBJECTS, PHOTO
from pipeline.core.stages import Artifact, Slot, Stage, StageContext
from pipeline.imaging.codec import decode, on_white
from pipeline.imaging.faces import Face, choose_source_face, choose_target_faces, no_face_error, objects_from_faces

SOURCE: Artifact[Rgb] = Artifact("source", "the picture whose face is taken: H×W×3 uint8 sRGB, upright")
SOURCE_FACES: Artifact[tuple[Face, ...]] = Artifact("source_faces", "the source's faces, from the left")
TARGET_FACES: Artifact[tuple[Face, ...]] = Artifact("target_faces", "the target's faces, from the left")
SOURCE_FACE: Artifact[Face] = Artifact("source_face", "the face to take")
CHOSEN_FACES: Artifact[tuple[int, ...]] = Artifact(
    "chosen_faces", "which of the target's faces are replaced, by number"
)


class LoadPictures(Stage):
    """Decode both pictures within the limits; what is transparent becomes white."""

    name = "load"
    message = "Opening the pictures"
    slot = Slot.CPU
    provides = (SOURCE, PHOTO)
    depends = ()

    def run(self, work: StageContext) -> None:
        work[SOURCE] = on_white(decode(work.files["source"]))
        work.report(0.5)
        work[PHOTO] = on_white(decode(work.files["target"]))


class DetectFaces(Stage):
    """Base of the stages that look for the faces of both pictures, each engine in its own way."""

    name = "detect"
    message = "Looking for faces"
    slot = Slot.COMPUTE
    requires = (SOURCE, PHOTO)
    provides = (SOURCE_FACES, TARGET_FACES)
    depends = ()
    cached = True

    def detect_in_both(self, work: StageContext, find: Callable[[Rgb, str], Sequence[Face]]) -> None:
        """Have ``find`` look at each picture, ``source`` or ``target``. Raises ``DarkroomError``
        (``no_face_error``)."""
        for which, picture, faces, done in (
            ("source", SOURCE, SOURCE_FACES, 0.5),
            ("target", PHOTO, TARGET_FACES, 1.0),
        ):
            work[faces] = tuple(find(work[picture], which))
            if not work[faces]:
                raise no_face_error(which)
            work.report(done)


class ChooseFaces(Stage):
    """Which face is taken and which are replaced, as the params say."""

    name = "choose"
    message = "Choosing the faces"
    slot = Slot.CPU
    requires = (PHOTO, SOURCE_FACES, TARGET_FACES)
    provides = (SOURCE_FACE, CHOSEN_FACES, OBJECTS)
    depends = ("faces", "source_face")

    def run(self, work: StageContext) -> None:
        """Raises ``DarkroomError``: ``no_face_error``, ``several_faces``."""
        params = work.params_as(FaceSwapParams)
        height, width = work[PHOTO].shape[:2]
        sources, targets = work[SOURCE_FACES], work[TARGET_FACES]
        work[SOURCE_FACE] = choose_source_face(sources, params.source_face)
        work[CHOSEN_FACES] = chosen = choose_target_faces(targets, params.faces)
        work[OBJECTS] = objects_from_faces(targets, chosen, height, width)
