"""An animated still: the camera moves over a portrait, its mouth opens as its voice is loud, and it blinks.

Nobody's lips are read: loudness says how far the mouth opens, not which sound it makes.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from pipeline.core.arrays import Floats, Rgb
from pipeline.core.artifacts import Clip
from pipeline.core.best_effort import best_effort
from pipeline.imaging.faces import Face
from pipeline.imaging.resize import PROGRESS_IMAGE_SIDE, downscaled
from pipeline.preview.faces.detection import detect_faces
from pipeline.preview.faces.eyelids import Eyelid
from pipeline.preview.faces.motion_curves import eye_closure, mouth_openness
from pipeline.preview.faces.mouth import Mouth
from pipeline.speech.types import Samples
from pipeline.video.encoder import encode_video
from pipeline.video.ken_burns import plan_camera_move

HEAD = 1.6  # as high as the face that is found in it
MIN_EYE_DISTANCE = 8.0  # pixels between the eyes as shown, below which nobody sees a mouth move
PROGRESS_IMAGE_SECONDS = 1.0  # of work from one look to the next
NO_FACE = "No face was found: only the camera moves."
SEVERAL_FACES = "Several faces were found: the largest one speaks."


class FaceRig:
    """A picture whose face can be moved: H×W×3 uint8 sRGB, with the five ``points`` (5×2, pixels) of its face.

    What is not seen well enough stays still: eyes behind glasses, a mouth at the picture's edge.
    """

    def __init__(self, picture: Rgb, landmarks: Floats | None) -> None:
        self._shown = picture.copy()
        self._mouth: Mouth | None = None
        self._eyelids: list[Eyelid] = []
        if landmarks is None or np.hypot(*(landmarks[1] - landmarks[0])) < MIN_EYE_DISTANCE:
            return
        with suppress(ValueError):
            self._mouth = Mouth(picture, landmarks)
        with suppress(ValueError):
            # Nobody winks: both or none.
            self._eyelids = [Eyelid(picture, landmarks, which) for which in (0, 1)]

    def pose(self, opening: float, closed: float) -> Rgb:
        """The picture with the mouth so far open and the eyes so far closed, 0 to 1: valid until the next call."""
        for eyelid in self._eyelids:
            self._shown[eyelid.region] = eyelid.render(closed)
        if self._mouth is not None:
            self._shown[self._mouth.region] = self._mouth.render(opening)
        return self._shown


def animate_portrait(
    portrait: Rgb,
    samples: Samples,
    width: int,
    height: int,
    path: Path,
    *,
    frames: int,
    seed: int,
    report: Callable[[float], None] = lambda _fraction: None,
    show_progress_image: Callable[[Rgb], None] = lambda _look: None,
    add_note: Callable[[str], None] = lambda _text: None,
) -> Clip:
    """Write ``frames`` frames, width × height, of a portrait (H×W×3 uint8 sRGB) that says ``samples`` to ``path``.

    ``samples`` are mono float32 in [-1, 1] at ``SAMPLE_RATE``. ``seed`` decides the camera's way and the blinks;
    ``report``
    hears how much is done, 0 to 1, and may raise to end it, with no file left; ``show`` gets a small look each second
    of work; ``note`` what a person should know: that no face was found, or several.
    """
    faces = detect_faces(portrait)
    face = max(faces, key=lambda each: each.area) if faces else None
    if len(faces) != 1:
        add_note(SEVERAL_FACES if faces else NO_FACE)
    head = None if face is None else (face.box[2] - face.box[0], HEAD * (face.box[3] - face.box[1]))
    move = plan_camera_move(portrait, width, height, frames, focus=_focus(face, portrait), subject=head, seed=seed)
    puppet = FaceRig(move.picture, None if face is None else move.map_points(face.landmarks))
    look = _ProgressImages(show_progress_image)

    def frame(number: int, opening: float, closed: float) -> Rgb:
        made = move.frame(number, puppet.pose(opening, closed))
        look(made)
        return made

    poses = zip(mouth_openness(samples, frames).tolist(), eye_closure(frames, seed).tolist(), strict=True)
    moving = (frame(number, *pose) for number, pose in enumerate(poses))
    encode_video(path, moving, None, width, height, intermediate=True, on_frame=lambda count: report(count / frames))
    middle = None if face is None else move.project(frames // 2, face.landmarks.mean(0))
    return Clip(path, middle)


class _ProgressImages:
    """Shows a frame now and then."""

    def __init__(self, show: Callable[[Rgb], None]) -> None:
        self._show = show
        self._next = time.monotonic() + PROGRESS_IMAGE_SECONDS

    def __call__(self, frame: Rgb) -> None:
        if time.monotonic() < self._next:
            return
        with best_effort("progress picture"):
            self._show(downscaled(frame, PROGRESS_IMAGE_SIDE))
        self._next = time.monotonic() + PROGRESS_IMAGE_SECONDS


def _focus(face: Face | None, portrait: Rgb) -> tuple[float, float] | None:
    if face is None:
        return None
    x, y = face.landmarks.mean(0) / portrait.shape[1::-1]
    return float(np.clip(x, 0, 1)), float(np.clip(y, 0, 1))
