"""Golden record of a case: small digests of its pictures, and its numbers, to compare with those of an earlier run.

A digest is coarse: the mean colour and the contrast of each cell of a grid. So it neither depends on the processor nor
holds single pixels, and yet shows whatever a person would see.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from pipeline.core.arrays import Floats, Rgb
from tests.paths import DATA

FOLDER = DATA / "golden"
NUMBERS = FOLDER / "numbers.json"
# Levels, for a cell and in the mean of a picture. Measured with OpenCV's and NumPy's vector instructions switched off:
# 3, 14 and 0.11.
MAX_COLOUR_DIFFERENCE, MAX_CONTRAST_DIFFERENCE, MAX_MEAN_DIFFERENCE = 5, 18, 0.4
TOLERANCE = 0.01  # of a number, or of 1 for smaller ones


@dataclass
class GoldenRecord:
    """What a case made: pictures of one grid (``columns`` × ``rows`` cells), and numbers by name."""

    columns: int
    rows: int
    contrast_gain: float = 3.0
    """Contrast is small: it is recorded as this many times the standard deviation of a cell."""
    pictures: list[Rgb] = field(default_factory=list)
    numbers: dict[str, list[float]] = field(default_factory=dict)

    def sheet(self) -> Rgb:
        """Return one row of cells for each row of each picture: mean colours to the left, contrast to the right."""
        return np.concatenate([self._digest(picture) for picture in self.pictures])

    def _digest(self, picture: Rgb) -> Rgb:
        values = picture.astype(np.float32)
        size = (self.columns, self.rows)
        mean = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
        square = cv2.resize(values * values, size, interpolation=cv2.INTER_AREA)
        contrast = np.sqrt(np.maximum(square - mean * mean, 0)).mean(-1, keepdims=True) * self.contrast_gain
        both = np.concatenate([mean, np.repeat(contrast, 3, -1)], 1)
        return np.asarray(np.clip(both.round(), 0, 255), np.uint8)

    def add_number(self, name: str, value: float | Sequence[float] | Floats) -> None:
        """Keep a number, or all numbers of an array, to five digits."""
        self.numbers[name] = [float(f"{each:.5g}") for each in np.ravel(np.asarray(value, np.float64))]


def save(name: str, record: GoldenRecord) -> None:
    """Write a case's golden files."""
    FOLDER.mkdir(exist_ok=True)
    if record.pictures:
        Image.fromarray(record.sheet()).save(FOLDER / f"{name}.png", optimize=True)
    known = json.loads(NUMBERS.read_text("utf-8")) if NUMBERS.exists() else {}
    known[name] = record.numbers
    lines = [f"{json.dumps(each)}: {json.dumps(known[each])}" for each in sorted(known)]
    NUMBERS.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def differences(name: str, record: GoldenRecord, folder: Path) -> list[str]:
    """Compare a case with its golden files: a line for each difference. What was made is written to ``folder``."""
    found = []
    if record.pictures:
        sheet = record.sheet()
        Image.fromarray(sheet).save(folder / f"{name}.png")
        with Image.open(FOLDER / f"{name}.png") as image:
            golden = np.asarray(image)
        assert sheet.shape == golden.shape, "another number of pictures"
        for number, picture in enumerate(np.split(sheet.astype(int) - golden, len(record.pictures))):
            colour, contrast = (np.abs(part).max() for part in np.split(picture, 2, 1))
            mean = np.abs(picture).mean()
            if colour > MAX_COLOUR_DIFFERENCE or contrast > MAX_CONTRAST_DIFFERENCE or mean > MAX_MEAN_DIFFERENCE:
                found.append(f"picture {number}: colour by {colour}, contrast by {contrast}, {mean:.2f} in the mean")
    golden_numbers = json.loads(NUMBERS.read_text("utf-8")).get(name, {})
    assert record.numbers.keys() == golden_numbers.keys()
    for key, values in record.numbers.items():
        wanted = np.array(golden_numbers[key])
        close = len(values) == len(wanted) and np.all(
            np.abs(values - wanted) <= TOLERANCE * np.maximum(np.abs(wanted), 1)
        )
        if not close:
            found.append(f"{key}: {values}, not {golden_numbers[key]}")
    return found
