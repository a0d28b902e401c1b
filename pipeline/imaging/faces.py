"""Face geometry and blending, for both engines: choosing faces, masks, warping, colour transfer, pasting.

The five landmarks of a face are the eyes, the tip of the nose and the corners of the mouth, the viewer's left first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.results import FoundObject
from pipeline.core.arrays import Rgb
from pipeline.imaging.bands import compute_in_bands

Floats = NDArray[Any]  # float32
Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels

# The swapped oval, in face coordinates: the unit across is the distance between the eyes, the unit down is the distance
# from eyes to mouth. It reaches from the middle of the forehead to just above the chin.
OVAL_TOP, OVAL_BOTTOM, OVAL_HALF_WIDTH = -0.62, 1.66, 0.97
OPAQUE_RADIUS = 0.66  # share of the oval's radius that is fully opaque
MEASURED_PIXELS = 500_000  # of a face, to measure its colours
MIN_LANDMARK_AREA = 1.0  # square pixels between eyes and mouth; with less, a face's pose is unknown
# Limits of the change in standard deviation of lightness and of both colours. A grey picture has no colours at all.
MIN_SPREAD_RATIO, MAX_SPREAD_RATIO = np.array((0.6, 0, 0), np.float32), 1.6


@dataclass(frozen=True)
class Face:
    """A face: its box, its ``landmarks`` (5×2 float32, pixels) and its detection score (0 to 1).

    ``embedding`` is the recognition network's identity vector, 512 float32; None without a network.
    """

    box: Box
    landmarks: Floats
    score: float
    embedding: Floats | None = None

    @property
    def area(self) -> float:
        """Area of the box, in square pixels."""
        left, top, right, bottom = self.box
        return max(right - left, 0.0) * max(bottom - top, 0.0)


def from_the_left(faces: Iterable[Face]) -> tuple[Face, ...]:
    """Sort faces in the order in which callers count them: by the centres of their boxes, from the left."""
    return tuple(sorted(faces, key=lambda face: (face.box[0] + face.box[2], face.box[1])))


def landmarks_enclose_area(points: Floats) -> bool:
    """Return True if eyes and mouth enclose an area. In a full profile they are nearly on one line."""
    across, down = points[1] - points[0], (points[3] + points[4] - points[0] - points[1]) / 2
    return bool(abs(across[0] * down[1] - across[1] * down[0]) >= MIN_LANDMARK_AREA)


def no_face_error(which: str, why: str = "") -> DarkroomError:
    """Build the ``no_face`` error for the picture of a role, with advice for the user."""
    return DarkroomError(
        ErrorCode.NO_FACE,
        f"{why or f'No face was found in the {which} picture.'} Choose one in which a face is seen from the front, "
        "upright, in good light and not too small.",
    )


def choose_source_face(faces: Sequence[Face], index: int | None) -> Face:
    """Return the source face number ``index``, counted from the left.

    Raises ``DarkroomError``: ``no_face``, or ``several_faces`` if there are several and ``index`` is None.
    """
    if not faces:
        raise no_face_error("source")
    if index is None:
        if len(faces) > 1:
            raise DarkroomError(
                ErrorCode.SEVERAL_FACES,
                f"The source picture shows {len(faces)} faces. Say with source_face which one to take, "
                f"0 to {len(faces) - 1}, counted from the left; or choose a picture of one person.",
            )
        return faces[0]
    if index >= len(faces):
        raise _index_error("source", "source_face", index, len(faces))
    return faces[index]


def choose_target_faces(faces: Sequence[Face], which: str) -> tuple[int, ...]:
    """Return the indices of the target faces to replace, from the left. ``which``: ``largest``, ``all`` or a number.

    Raises ``DarkroomError`` (``no_face``).
    """
    if not faces:
        raise no_face_error("target")
    if which == "all":
        return tuple(range(len(faces)))
    if which == "largest":
        return (max(range(len(faces)), key=lambda index: faces[index].area),)
    index = int(which)
    if index >= len(faces):
        raise _index_error("target", "faces", index, len(faces))
    return (index,)


def objects_from_faces(
    faces: Sequence[Face], swapped: Sequence[int], height: int, width: int
) -> tuple[FoundObject, ...]:
    """Convert the faces of a picture of ``height`` × ``width`` to the result's objects, from the left."""
    return tuple(
        FoundObject(
            label="face",
            box=_rounded(face.box),
            score=round(min(max(face.score, 0.0), 1.0), 3),
            area=round(min(face.area / (height * width), 1.0), 4),
            kept=index not in swapped,
        )
        for index, face in enumerate(faces)
    )


def similarity_transform(source: Floats, target: Floats) -> Floats:
    """Estimate the similarity transform from N×2 points to N×2 others by least squares (Umeyama 1991). 2×3 float32.

    Raises ``ValueError`` if all points of ``source`` coincide.
    """
    middle, target_middle = source.mean(0), target.mean(0)
    a, b = (source - middle).astype(np.float64), (target - target_middle).astype(np.float64)
    spread = float((a * a).sum())
    if spread < 1e-9:
        raise ValueError("points that are all one have no size")
    # In two dimensions the closest rotation and scale are one complex number.
    real = float((a * b).sum()) / spread
    imaginary = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    linear = np.array([[real, -imaginary], [imaginary, real]])
    shift = target_middle - linear @ middle
    return np.column_stack([linear, shift]).astype(np.float32)


def face_mask(points: Floats, height: int, width: int) -> Floats:
    """Compute a face's opacity mask: H×W float32, 1 inside its oval, fading to 0 at the edge."""
    left, right = points[0], points[1]
    eyes, mouth = (left + right) / 2, (points[3] + points[4]) / 2
    across, down = right - left, mouth - eyes
    frame = np.linalg.inv(np.column_stack([across, down]).astype(np.float64)).astype(np.float32)
    x = np.arange(width, dtype=np.float32) - eyes[0]
    mask = np.empty((height, width), np.float32)

    def mask_rows(rows: slice) -> None:
        y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - eyes[1]
        aside = (frame[0, 0] * x + frame[0, 1] * y) / OVAL_HALF_WIDTH
        below = frame[1, 0] * x + frame[1, 1] * y
        below = (below - (OVAL_TOP + OVAL_BOTTOM) / 2) / ((OVAL_BOTTOM - OVAL_TOP) / 2)
        fade = np.clip((1 - np.sqrt(aside * aside + below * below)) / (1 - OPAQUE_RADIUS), 0, 1)
        mask[rows] = fade * fade * (3 - 2 * fade)

    compute_in_bands(width, height, mask_rows)
    return mask


def face_mask_bounds(points: Floats, height: int, width: int) -> tuple[slice, slice]:
    """Return the rows and columns outside of which ``face_mask`` is 0; empty if the face is outside the picture."""
    left, right = points[0], points[1]
    eyes, mouth = (left + right) / 2, (points[3] + points[4]) / 2
    across, down = right - left, mouth - eyes
    centre = eyes + down * (OVAL_TOP + OVAL_BOTTOM) / 2
    reach = np.hypot(across * OVAL_HALF_WIDTH, down * (OVAL_BOTTOM - OVAL_TOP) / 2) + 2
    low, high = np.floor(centre - reach), np.ceil(centre + reach) + 1
    (x0, x1), (y0, y1) = ((int(low[i]), int(high[i])) for i in (0, 1))
    return slice(min(max(y0, 0), height), min(max(y1, 0), height)), slice(
        min(max(x0, 0), width), min(max(x1, 0), width)
    )


def warped(picture: Rgb, transform: Floats, height: int, width: int) -> tuple[Rgb, Floats]:
    """Warp H×W×3 uint8 by a 2×3 transform onto ``height`` × ``width``; also return its coverage (float32, 0 to 1).

    Area averaging comes first if the picture shrinks, against aliasing. The coverage fades out at the picture's edge,
    over a twentieth of its shorter side. Only the part of the picture that is seen costs time and memory.
    """
    cover = _coverage(picture.shape[:2], transform, height, width)
    picture, transform = _cropped(picture, transform, height, width)
    scale = float(np.sqrt(abs(np.linalg.det(transform[:, :2].astype(np.float64)))))
    if scale < 0.7:
        size = (max(round(picture.shape[1] * scale), 2), max(round(picture.shape[0] * scale), 2))
        steps = np.array([picture.shape[1] / size[0], picture.shape[0] / size[1]], np.float32)
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        # Resizing moves pixel centres: the first one is no longer at 0.
        shift = transform[:, :2] @ ((steps - 1) / 2) + transform[:, 2]
        transform = np.column_stack([transform[:, :2] * steps, shift]).astype(np.float32)
    moved = cv2.warpAffine(picture, transform, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8), cover


def _cropped(picture: Rgb, transform: Floats, height: int, width: int) -> tuple[Rgb, Floats]:
    """Return the part of the picture that ``transform`` shows on ``height`` × ``width``, and the part's transform."""
    inverse = cv2.invertAffineTransform(transform.astype(np.float64))
    corners = np.array([(0, 0), (width, 0), (0, height), (width, height)]) @ inverse[:, :2].T + inverse[:, 2]
    # Kernels reach beyond the pixels that are seen: two pixels of the result, or of the picture if it grows.
    reach = 3 + np.abs(inverse[:, :2]).sum(axis=1) * 3
    limit = np.array(picture.shape[1::-1])
    # A picture that is not seen at all keeps its nearest pixels, which are repeated.
    (x0, y0) = np.clip(np.floor(corners.min(axis=0) - reach), 0, np.maximum(limit - 2, 0)).astype(int)
    (x1, y1) = np.clip(np.ceil(corners.max(axis=0) + reach), np.minimum(2, limit), limit).astype(int)
    shift = transform[:, :2] @ np.array((x0, y0), np.float32) + transform[:, 2]
    return picture[y0:y1, x0:x1], np.column_stack([transform[:, :2], shift]).astype(np.float32)


def _coverage(size: tuple[int, ...], transform: Floats, height: int, width: int) -> Floats:
    """Compute how far inside a picture of ``size`` each pixel of ``height`` × ``width`` lies: float32, 0 to 1."""
    inverse = cv2.invertAffineTransform(transform.astype(np.float64)).astype(np.float32)
    edge = max(round(0.05 * min(size)), 1)
    x = np.arange(width, dtype=np.float32)
    cover = np.ones((height, width), np.float32)

    def cover_rows(rows: slice) -> None:
        y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
        # A box blur of the picture's area: 0.5 at its outermost pixels, and 1 from ``edge`` inwards.
        for (across, down, start), length in zip(inverse, size[1::-1], strict=True):
            at = x * across + (y * down + start)
            inside = np.minimum(at + (edge + 0.5), length - 1.5) - np.maximum(at - (edge + 0.5), 0.5)
            cover[rows] *= np.clip(inside / (2 * edge + 1), 0, 1)
        cover[rows] = np.clip(2 * cover[rows] - 1, 0, 1)

    compute_in_bands(width, height, cover_rows)
    return cover


def colour_transferred(face: Rgb, like: Rgb, mask: Floats, *, strength: float = 1.0) -> Rgb:
    """Match the mean and standard deviation of ``face`` to ``like`` (both h×w×3 uint8), in CIELAB.

    Measured where ``mask`` (h×w, 0 to 1) is above a half (Reinhard et al., Color Transfer between Images, 2001).
    """
    # A sample of the pixels suffices for mean and deviation.
    step = ceil((mask.size / MEASURED_PIXELS) ** 0.5)
    inner = mask[::step, ::step] > 0.5
    if not inner.any():
        return face
    lab, target_lab = (_to_lab(each[::step, ::step])[inner] for each in (face, like))
    mean, target_mean = lab.mean(0), target_lab.mean(0)
    ratio = np.clip((target_lab.std(0) + 1e-3) / (lab.std(0) + 1e-3), MIN_SPREAD_RATIO, MAX_SPREAD_RATIO)
    result = np.empty_like(face)

    def transfer_rows(rows: slice) -> None:
        lab = _to_lab(face[rows])
        changed = (lab - mean) * ratio + target_mean
        rgb = cv2.cvtColor(np.asarray(lab + strength * (changed - lab), np.float32), cv2.COLOR_LAB2RGB)
        result[rows] = (np.clip(rgb, 0, 1) * 255).round()

    compute_in_bands(face.shape[1], face.shape[0], transfer_rows)
    return result


def _to_lab(rgb: Rgb) -> Floats:
    return cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def paste(picture: Rgb, face: Rgb, mask: Floats, region: tuple[slice, slice]) -> None:
    """Blend ``face`` (h×w×3 uint8) by ``mask`` (h×w, 0 to 1) into ``region`` of ``picture`` (H×W×3 uint8), in place.

    Where the mask is 0, pixels are unchanged, bit for bit.
    """
    below = picture[region]

    def paste_rows(rows: slice) -> None:
        share = mask[rows, :, None]
        mixed = np.rint(share * face[rows] + (1 - share) * below[rows]).astype(np.uint8)
        below[rows] = np.where(share > 0, mixed, below[rows])

    compute_in_bands(face.shape[1], face.shape[0], paste_rows)


def _rounded(box: Box) -> Box:
    left, top, right, bottom = (round(edge, 1) for edge in box)
    return left, top, right, bottom


def _index_error(which: str, param: str, index: int, count: int) -> DarkroomError:
    shown = "one face, number 0" if count == 1 else f"{count} faces, numbers 0 to {count - 1} from the left"
    return DarkroomError(
        ErrorCode.NO_FACE, f"The {which} picture shows {shown}: there is no number {index}, as {param} asks for."
    )
