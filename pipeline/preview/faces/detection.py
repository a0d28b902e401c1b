"""Detection of frontal faces by cascades, each verified to be upright."""

from collections.abc import Iterator

import cv2
import numpy as np

from pipeline.core.arrays import Bytes, Floats, Rgb
from pipeline.imaging.faces import Face, from_the_left
from pipeline.preview.faces.cascades import detect_eyes, run_cascade
from pipeline.preview.faces.landmarks import detect_landmarks
from pipeline.preview.faces.verification import TurnedFace, turned_faces, upright_faces

LONG_SIDE = 800  # larger pictures are reduced to this: a cascade's time grows with the pixels
SHORT_SIDE = 240  # smaller pictures are enlarged to this: cascades miss faces below some 30 pixels
MIN_FACE_SHARE = 0.06  # of the shorter side: smaller faces are ignored
SURE_WEIGHT = 3.0  # weight of the last stage from which a detection needs no eyes to confirm it
ROTATIONS = (0, -28, 28)  # degrees; a cascade tolerates a tilt of some 15


def detect_faces(photo: Rgb) -> tuple[Face, ...]:
    """Detect the frontal faces of a photo (H×W×3 uint8 sRGB), sorted from the left. Profile faces are left out."""
    small, gain = _at_working_size(photo)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    turned: list[TurnedFace] | None = None
    for rotation in ROTATIONS:
        candidates = _distinct(list(_detect_faces_at(small, grey, rotation)))
        if candidates and turned is None:
            turned = turned_faces(grey)
        found = upright_faces(grey, candidates, turned or ())
        if found:
            height, width = photo.shape[:2]
            return from_the_left([_scaled(face, 1 / gain, height, width) for face in found])
    return ()


def has_profile_face(photo: Rgb) -> bool:
    """Return True if the photo (H×W×3 uint8 sRGB) shows a face from the side."""
    grey = cv2.equalizeHist(cv2.cvtColor(_at_working_size(photo)[0], cv2.COLOR_RGB2GRAY))
    return any(run_cascade("profileface", np.ascontiguousarray(each), 0)[0] for each in (grey, grey[:, ::-1]))


def has_turned_face(photo: Rgb) -> bool:
    """Return True if the photo (H×W×3 uint8 sRGB) shows a face that lies on its side or is upside down."""
    grey = np.asarray(cv2.cvtColor(_at_working_size(photo)[0], cv2.COLOR_RGB2GRAY), np.uint8)
    return any(face.score > 0 for face in turned_faces(grey))


def _at_working_size(photo: Rgb) -> tuple[Rgb, float]:
    height, width = photo.shape[:2]
    gain = min(LONG_SIDE / max(height, width), max(SHORT_SIDE / min(height, width), 1.0))
    size = (max(round(width * gain), 1), max(round(height * gain), 1))
    method = cv2.INTER_AREA if gain < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(photo, size, interpolation=method), np.uint8), gain


def _detect_faces_at(small: Rgb, grey: Bytes, rotation: int) -> Iterator[Face]:
    height, width = grey.shape
    upright, inverse = grey, np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    if rotation:
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rotation, 1.0)
        upright = cv2.warpAffine(grey, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        small = np.asarray(cv2.warpAffine(small, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)
        inverse = cv2.invertAffineTransform(matrix).astype(np.float32)
    red = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)[..., 1].astype(np.float32)
    min_size = max(round(MIN_FACE_SHARE * min(height, width)), 24)
    for box, weight in zip(*run_cascade("frontalface_alt2", cv2.equalizeHist(upright), min_size), strict=True):
        eyes = detect_eyes(upright, box)
        if weight < SURE_WEIGHT and not eyes:
            continue
        points = detect_landmarks(upright, red, box, eyes)
        left, top, across, down = box
        corners = np.array(
            [(left, top), (left + across, top), (left, top + down), (left + across, top + down)], np.float32
        )
        corners = corners @ inverse[:, :2].T + inverse[:, 2]
        edges = [float(edge) for edge in (*corners.min(0), *corners.max(0))]
        score = 1 / (1 + np.exp(-weight / 2))
        yield Face((edges[0], edges[1], edges[2], edges[3]), points @ inverse[:, :2].T + inverse[:, 2], float(score))


def _distinct(faces: list[Face]) -> list[Face]:
    """Non-maximum suppression: drop faces whose centre lies in a face with a higher score."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        x, y = (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2
        if not any(other.box[0] < x < other.box[2] and other.box[1] < y < other.box[3] for other in kept):
            kept.append(face)
    return kept


def _scaled(face: Face, factor: float, height: int, width: int) -> Face:
    left, top, right, bottom = (edge * factor for edge in face.box)
    box = (max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height)))
    points: Floats = ((face.landmarks + 0.5) * factor - 0.5).astype(np.float32)
    return Face(box, points, face.score)
