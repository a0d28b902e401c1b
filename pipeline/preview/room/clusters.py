"""Colour clustering by k-means."""

import cv2
import numpy as np

from pipeline.core.arrays import Floats, Integers


def kmeans(values: Floats, count: int) -> tuple[Integers, Floats]:
    """Cluster N×C float32 values: N labels and count×C centres. Deterministic."""
    cv2.setRNGSeed(0)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 0.5)
    labels = np.empty((len(values), 1), np.int32)
    _, labels, centres = cv2.kmeans(values, count, labels, criteria, 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[assignment] # the stub loses dtypes
    return labels.ravel().astype(np.int64), np.asarray(centres)


def squared_norm(values: Floats) -> Floats:
    """Sum of squares over the last axis, channel by channel, which is many times faster than NumPy's sum there."""
    total = values[..., 0] ** 2
    for channel in range(1, values.shape[-1]):
        total += values[..., channel] ** 2
    return total
