"""Verification of faces: whether a detected face is upright, and whether its eyes and mouth are seen.

A cascade sees faces where none are: on the chin of a portrait that hangs upside down, or in a mask. A real one is found
again in a picture that is cut out around it and put upright, and less well in one that is turned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np

from pipeline.core.arrays import Bytes, Floats, Rgb
from pipeline.imaging.faces import Face, similarity_transform
from pipeline.preview.faces.cascades import detect_eyes, run_cascade
from pipeline.preview.faces.landmarks import CROP_SIDE, EYES

TURNED_SIDE = 400  # long side at which turned pictures are searched
UPRIGHT_SIDE, UPRIGHT_REACH = 160, 1.1  # pixels of a cut-out, and how far it reaches, in widths of the face
MIN_WIDTH = 48  # pixels of a face in a cut-out
EYE_SCORE = 0.7  # what each visible eye adds to a cascade's weight
DARK_EYE, COVERED_EYE = 0.55, 0.5  # lightness relative to the cheeks, and the share of an eye's surroundings below it
# Differences of the mouth's surroundings from the skin at the eyes, in CIELAB: no lips or beard are as green or blue.
UNLIKE_SKIN, FAR_FROM_SKIN = -8.0, 28.0
COVER_FLATNESS, EVEN_FLATNESS = 6.0, 2.5  # deviation of lightness: cloth is flat, lips and beards are not
COVER_LIGHT, COVER_DARK = 15.0, -30.0


class Covered(Enum):
    """Part of a face that cannot be seen."""

    EYES = "eyes"
    MOUTH = "mouth"


@dataclass(frozen=True)
class TurnedFace:
    """Face in a picture that was turned: its centre and width in the upright one, and its score."""

    x: float
    y: float
    width: float
    score: float


def upright_faces(grey: Bytes, faces: Sequence[Face], turned: Sequence[TurnedFace]) -> list[Face]:
    """Return the faces that are upright, of those detected in a picture (H×W uint8) that has these turned ones."""
    return [face for face in faces if _is_upright(grey, face, turned)]


def turned_faces(grey: Bytes) -> list[TurnedFace]:
    """Detect faces in a picture (H×W uint8) that is turned by a quarter, a half and three quarters."""
    height, width = grey.shape
    gain = min(TURNED_SIDE / max(height, width), 1.0)
    small = cv2.resize(grey, (max(round(width * gain), 1), max(round(height * gain), 1)), interpolation=cv2.INTER_AREA)
    high, wide = small.shape
    found = []
    for quarters in (1, 2, 3):
        turned = cv2.equalizeHist(np.ascontiguousarray(np.rot90(small, quarters)))
        for left, top, across, down in run_cascade("frontalface_alt2", turned, 24)[0]:
            x, y = left + across / 2, top + down / 2
            # np.rot90 turns anticlockwise: this turns the centre back.
            x, y = {1: (wide - y, x), 2: (wide - x, high - y), 3: (y, high - x)}[quarters]
            size = across / gain
            score = _score(grey, x / gain, y / gain, size, 90.0 * quarters)
            found.append(TurnedFace(x / gain, y / gain, size, score))
    return found


def covered_part(picture: Rgb, face: Face) -> Covered | None:
    """Return which part of a face in an H×W×3 uint8 sRGB picture is covered, as by sunglasses or a mask."""
    transform = similarity_transform(face.landmarks[:2], EYES)
    size = (CROP_SIDE, CROP_SIDE)
    crop = cv2.warpAffine(picture, transform, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    lab = cv2.cvtColor(cv2.GaussianBlur(crop, (0, 0), 1.2).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    cheeks = _median(lab[56:66, 34:46], lab[56:66, 82:94], lab[46:60, 60:68])
    eyes = [lab[34:54, x - 15 : x + 16, 0] for x in EYES[:, 0].astype(int)]
    if min(float((eye < DARK_EYE * cheeks[0]).mean()) for eye in eyes) > COVERED_EYE:
        return Covered.EYES
    # A mask covers the cheeks too, but not the skin below the eyes and between them.
    skin = _median(lab[42:54, 59:69], lab[49:54, 36:46], lab[49:54, 82:92])
    mouth = lab[68:96, 46:82]
    light, green, blue = _median(mouth) - skin
    flatness = float(mouth[..., 0].std())
    coloured = green < UNLIKE_SKIN and (flatness < COVER_FLATNESS or np.hypot(green, blue) > FAR_FROM_SKIN)
    even = flatness < EVEN_FLATNESS and not COVER_DARK < light < COVER_LIGHT
    return Covered.MOUTH if coloured or even else None


def _is_upright(grey: Bytes, face: Face, turned: Sequence[TurnedFace]) -> bool:
    """Check that a face is found again, and better than any that overlaps it in a turned picture."""
    left, top, right, bottom = face.box
    across = face.landmarks[1] - face.landmarks[0]
    tilt = float(np.degrees(np.arctan2(across[1], across[0])))
    x, y, width = (left + right) / 2, (top + bottom) / 2, right - left
    score = _score(grey, x, y, width, tilt)
    overlapping = (
        other.score for other in turned if np.hypot(other.x - x, other.y - y) < 0.6 * max(width, other.width)
    )
    return score > max([0.0, *overlapping])


def _score(grey: Bytes, x: float, y: float, width: float, tilt: float) -> float:
    """Score a face in a cut-out that is turned back by ``tilt`` degrees: 0 if it is not found there."""
    turn: Floats = cv2.getRotationMatrix2D((x, y), tilt, UPRIGHT_SIDE / (2 * UPRIGHT_REACH * max(width, 1.0)))
    turn[:, 2] += (UPRIGHT_SIDE / 2 - x, UPRIGHT_SIDE / 2 - y)
    size = (UPRIGHT_SIDE, UPRIGHT_SIDE)
    crop = cv2.warpAffine(grey, turn, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    boxes, weights = run_cascade("frontalface_alt2", cv2.equalizeHist(crop), MIN_WIDTH)
    if not boxes:
        return 0.0
    best = int(np.argmax(weights))
    return weights[best] + EYE_SCORE * min(len(detect_eyes(crop, boxes[best])), 2)


def _median(*patches: Floats) -> Floats:
    return np.asarray(np.median(np.concatenate([patch.reshape(-1, 3) for patch in patches]), 0))
