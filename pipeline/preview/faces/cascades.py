"""Cascades of OpenCV (Viola and Jones, 2001), which need no weights: for faces and for eyes."""

import threading
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from pipeline.core.arrays import Bytes

EYES_SIDE = 200  # pixels: a face's width while its eyes are detected

_lock = threading.Lock()


def run_cascade(name: str, grey: Bytes, min_size: int) -> tuple[list[tuple[int, int, int, int]], list[float]]:
    """Run a cascade: boxes (left, top, width, height), and by how much each exceeds the last stage's threshold."""
    # A cascade object keeps state while it runs: it is not thread-safe.
    with _lock:
        boxes, _, weights = _cascade(name).detectMultiScale3(
            grey, scaleFactor=1.1, minNeighbors=4, minSize=(min_size, min_size), outputRejectLevels=True
        )
    rows = [tuple(int(edge) for edge in box) for box in boxes]
    return rows, [float(weight) for weight in np.ravel(weights)]  # type: ignore[return-value] # four each


def detect_eyes(grey: Bytes, box: tuple[int, int, int, int]) -> list[tuple[float, float]]:
    """Detect eyes in the upper part of a face's box: their centres, in the picture's pixels."""
    left, top, width, height = box
    left, top = max(left, 0), max(top, 0)
    upper = grey[top : top + round(0.62 * height), left : left + width]
    if min(upper.shape) < 12:
        return []
    gain = EYES_SIDE / upper.shape[1]
    size = (EYES_SIDE, max(round(upper.shape[0] * gain), 1))
    upper = cv2.equalizeHist(cv2.resize(upper, size, interpolation=cv2.INTER_AREA if gain < 1 else cv2.INTER_CUBIC))
    boxes, _ = run_cascade("eye_tree_eyeglasses", upper, round(0.13 * EYES_SIDE))
    return [(left + (x + across / 2) / gain, top + (y + down / 2) / gain) for x, y, across, down in boxes]


@cache
def _cascade(name: str) -> cv2.CascadeClassifier:
    file = Path(str(cv2.__file__)).parent / "data" / f"haarcascade_{name}.xml"
    cascade = cv2.CascadeClassifier(str(file))
    if cascade.empty():
        raise RuntimeError(f"OpenCV cannot read {file}")
    return cascade
