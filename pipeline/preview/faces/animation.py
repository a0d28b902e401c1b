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
from pipeline.core.best_effort import decoration
from pipeline.imaging.faces import Face
from pipeline.imaging.resize import LOOK_SIDE, reduced
from pipeline.preview.faces.detection import find_faces
from pipeline.preview.faces.eyelids import Eyelid
from pipeline.preview.faces.motion_curves import closings, openings
from pipeline.preview.faces.mouth import Mouth
from pipeline.speech.types import Samples
from pipeline.video.encoder import encode
from pipeline.video.ken_burns import planned

HEAD = 1.6  # as high as the face that is found in it
LEAST_EYES = 8.0  # pixels between the eyes as shown, below which nobody sees a mouth move
LOOK_SECONDS = 1.0  # of work from one look to the next
NO_FACE = "No face was found: only the camera moves."
SEVERAL_FACES = "Several faces were found: the largest one speaks."


class Puppet:
    """A picture whose face can be moved: H×W×3 uint8 sRGB, with the five ``points`` (5×2, pixels) of its face.

    What is not seen well enough stays still: eyes behind glasses, a mouth at the picture's edge.
    """

    def __init__(self, picture: Rgb, points: Floats | None) -> None:
        self._shown = picture.copy()
        self._mouth: Mouth | None = None
        self._eyelids: list[Eyelid] = []
        if points is None or np.hypot(*(points[1] - points[0])) < LEAST_EYES:
            return
        with suppress(ValueError):
            self._mouth = Mouth(picture, points)
        with suppress(ValueError):
            # Nobody winks: both or none.
            self._eyelids = [Eyelid(picture, points, which) for which in (0, 1)]

    def posed(self, opening: float, closed: float) -> Rgb:
        """The picture with the mouth so far open and the eyes so far closed, 0 to 1: valid until the next call."""
        for eyelid in self._eyelids:
            self._shown[eyelid.place] = eyelid.at(closed)
        if self._mouth is not None:
            self._shown[self._mouth.place] = self._mouth.at(opening)
        return self._shown


def animate(
    portrait: Rgb,
    samples: Samples,
    width: int,
    height: int,
    path: Path,
    *,
    frames: int,
    seed: int,
    report: Callable[[float], None] = lambda _fraction: None,
    show: Callable[[Rgb], None] = lambda _look: None,
    note: Callable[[str], None] = lambda _text: None,
) -> Clip:
    """Write ``frames`` frames, width × height, of a portrait (H×W×3 uint8 sRGB) that says ``samples`` to ``path``.

    ``samples`` are mono float32 in [-1, 1] at ``RATE``. ``seed`` decides the camera's way and the blinks; ``report``
    hears how much is done, 0 to 1, and may raise to end it, with no file left; ``show`` gets a small look each second
    of work; ``note`` what a person should know: that no face was found, or several.
    """
    faces = find_faces(portrait)
    face = max(faces, key=lambda each: each.area) if faces else None
    if len(faces) != 1:
        note(SEVERAL_FACES if faces else NO_FACE)
    head = None if face is None else (face.box[2] - face.box[0], HEAD * (face.box[3] - face.box[1]))
    move = planned(portrait, width, height, frames, focus=_focus(face, portrait), subject=head, seed=seed)
    puppet = Puppet(move.picture, None if face is None else move.placed(face.points))
    look = _Looks(show)

    def frame(number: int, opening: float, closed: float) -> Rgb:
        made = move.frame(number, puppet.posed(opening, closed))
        look(made)
        return made

    poses = zip(openings(samples, frames).tolist(), closings(frames, seed).tolist(), strict=True)
    moving = (frame(number, *pose) for number, pose in enumerate(poses))
    encode(path, moving, None, width, height, draft=True, on_frame=lambda count: report(count / frames))
    middle = None if face is None else move.seen(frames // 2, face.points.mean(0))
    return Clip(path, middle)


class _Looks:
    """Shows a frame now and then."""

    def __init__(self, show: Callable[[Rgb], None]) -> None:
        self._show = show
        self._next = time.monotonic() + LOOK_SECONDS

    def __call__(self, frame: Rgb) -> None:
        if time.monotonic() < self._next:
            return
        with decoration("progress picture"):
            self._show(reduced(frame, LOOK_SIDE))
        self._next = time.monotonic() + LOOK_SECONDS


def _focus(face: Face | None, portrait: Rgb) -> tuple[float, float] | None:
    if face is None:
        return None
    x, y = face.points.mean(0) / portrait.shape[1::-1]
    return float(np.clip(x, 0, 1)), float(np.clip(y, 0, 1))
