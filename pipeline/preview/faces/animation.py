"""Animated portrait: a moving camera, a mouth that opens with the loudness of the voice, and random blinks.

The animation is no lip sync: loudness decides how far the mouth opens, not the phonemes.
"""

from collections.abc import Callable, Generator
from contextlib import suppress

import numpy as np

from pipeline.core.arrays import Floats, Rgb
from pipeline.imaging.faces import Face
from pipeline.preview.faces.detection import detect_faces
from pipeline.preview.faces.eyelids import Eyelid
from pipeline.preview.faces.motion_curves import eye_closure, mouth_openness
from pipeline.preview.faces.mouth import Mouth
from pipeline.preview.faces.verification import Covered, covered_part
from pipeline.speech.types import Samples
from pipeline.video.clip import RenderedClip
from pipeline.video.ken_burns import plan_camera_move

HEAD = 1.6  # a head's height, in heights of the detected face
MIN_EYE_DISTANCE = 8.0  # pixels between the eyes as shown; below, mouth movement is invisible
NO_FACE = "No face was found: only the camera moves."
COVERED_MOUTH = "The mouth of the face cannot be seen: only the camera moves."
SEVERAL_FACES = "Several faces were found: the largest one speaks."


class FaceRig:
    """Rig of the face in a picture (H×W×3 uint8 sRGB): draws its mouth and eyelids in any pose.

    ``landmarks`` are the face's five points (5×2, pixels), or None. Parts that are not seen well enough stay still,
    such as eyes behind glasses or a mouth at the picture's edge.
    """

    def __init__(self, picture: Rgb, landmarks: Floats | None) -> None:
        self._posed = picture.copy()
        self._mouth: Mouth | None = None
        self._eyelids: list[Eyelid] = []
        if landmarks is None or np.hypot(*(landmarks[1] - landmarks[0])) < MIN_EYE_DISTANCE:
            return
        with suppress(ValueError):
            self._mouth = Mouth(picture, landmarks)
        with suppress(ValueError):
            # Both eyelids or none: a single one would wink.
            self._eyelids = [Eyelid(picture, landmarks, which) for which in (0, 1)]

    def pose(self, opening: float, closed: float) -> Rgb:
        """Draw the picture with mouth ``opening`` and eyes ``closed``, both 0 to 1. Valid until the next call."""
        for eyelid in self._eyelids:
            self._posed[eyelid.region] = eyelid.render(closed)
        if self._mouth is not None:
            self._posed[self._mouth.region] = self._mouth.render(opening)
        return self._posed


def animate_portrait(
    portrait: Rgb,
    samples: Samples,
    width: int,
    height: int,
    *,
    frames: int,
    seed: int,
    add_note: Callable[[str], None] = lambda _text: None,
) -> RenderedClip:
    """Return a clip of ``frames`` frames, width × height, in which a portrait (H×W×3 uint8 sRGB) says ``samples``.

    ``samples`` are mono float32 in [-1, 1] at ``SAMPLE_RATE``. ``seed`` decides the camera's path and the blinks.
    ``add_note`` receives notes for the user: no face was found, or several. The frames are rendered while they are
    read, as storing a frame costs more than rendering it.
    """
    faces = detect_faces(portrait)
    face = max(faces, key=lambda each: each.area) if faces else None
    if len(faces) != 1:
        add_note(SEVERAL_FACES if faces else NO_FACE)
    hidden = face is not None and covered_part(portrait, face) is Covered.MOUTH
    if hidden:
        add_note(COVERED_MOUTH)
    head = None if face is None else (face.box[2] - face.box[0], HEAD * (face.box[3] - face.box[1]))
    move = plan_camera_move(portrait, width, height, frames, focus=_focus(face, portrait), subject=head, seed=seed)
    landmarks = None if face is None or hidden else move.map_points(face.landmarks)
    openings, closures = mouth_openness(samples, frames).tolist(), eye_closure(frames, seed).tolist()

    def render() -> Generator[Rgb, None, None]:
        face_rig = FaceRig(move.picture, landmarks)
        for number, pose in enumerate(zip(openings, closures, strict=True)):
            yield move.frame(number, face_rig.pose(*pose))

    return RenderedClip(render, None if face is None else move.project(frames // 2, face.landmarks.mean(0)))


def _focus(face: Face | None, portrait: Rgb) -> tuple[float, float] | None:
    if face is None:
        return None
    x, y = face.landmarks.mean(0) / portrait.shape[1::-1]
    return float(np.clip(x, 0, 1)), float(np.clip(y, 0, 1))
