"""Letterboxing: maps a photo of any size onto a canvas for diffusion, and back."""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import PHOTO
from pipeline.core.stages import StageContext
from pipeline.models.arrays import Box, Masks

GRID = 8  # picture pixels per latent pixel of SD 1.5
MIN_SIDE = 64  # the U-Net halves the latent three times, which leaves one pixel of this
TRAINED_SIDE = 512  # SD 1.5 was trained at this size; much smaller pictures come out poor


@dataclass(frozen=True)
class Letterbox:
    """A photo on its canvas: scaled by one factor, then padded at the right and at the bottom.

    ``photo_*`` is the photo's size, ``inner_*`` the size it takes on the canvas, all in pixels.
    """

    photo_height: int
    photo_width: int
    inner_height: int
    inner_width: int

    @classmethod
    def for_photo(cls, height: int, width: int, long_side: int) -> Self:
        """Fit a photo of ``height`` × ``width`` pixels on a canvas whose longer side is at most ``long_side``.

        Photos below 512 pixels are enlarged to 512, or to ``long_side`` if that is less; others never. ``long_side`` is
        a multiple of 8, 64 or more. Raises ``ValueError`` for any other value and for empty photos.
        """
        if min(height, width) < 1:
            raise ValueError(f"a photo of {width}×{height} pixels")
        if long_side % GRID or long_side < MIN_SIDE:
            raise ValueError(f"long side {long_side}: not a multiple of {GRID} from {MIN_SIDE} on")
        long = max(height, width)
        target = min(max(long, TRAINED_SIDE), long_side)
        return cls(height, width, _scaled(height, target, long), _scaled(width, target, long))

    @property
    def height(self) -> int:
        """The canvas's height: a multiple of 8, 64 or more."""
        return _padded(self.inner_height)

    @property
    def width(self) -> int:
        """The canvas's width: a multiple of 8, 64 or more."""
        return _padded(self.inner_width)

    def halved(self) -> Self:
        """Return the same photo on a canvas of half the sides, but not below the minimum size."""
        side = max(_padded(max(self.inner_height, self.inner_width)) // 2 // GRID * GRID, MIN_SIDE)
        long = max(self.photo_height, self.photo_width)
        return type(self)(
            self.photo_height,
            self.photo_width,
            _scaled(self.photo_height, side, long),
            _scaled(self.photo_width, side, long),
        )

    def to_canvas(self, picture: Rgb) -> Rgb:
        """Map the photo (H×W×3 or H×W uint8) to the canvas; the padding repeats the photo's last row and column."""
        return self._pad(resized(picture, self.inner_height, self.inner_width))

    def mask_to_canvas(self, mask: Masks) -> Masks:
        """Map an H×W bool mask to the canvas: true where at least half of a canvas pixel's area is true."""
        covered = resized(mask.astype(np.uint8) * 255, self.inner_height, self.inner_width)
        mask_on_canvas: Masks = self._pad(covered) >= 128
        return mask_on_canvas

    def mask_to_canvas_any(self, mask: Masks) -> Masks:
        """Map an H×W bool mask to the canvas: true where any of a canvas pixel's area is true."""
        size = (self.inner_width, self.inner_height)
        # In floating point, as the covered share of a large photo's pixel may be less than 1/255.
        amount = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        covered: Masks = self._pad(np.asarray(amount > 0, np.uint8)) > 0
        return covered

    def from_canvas(self, picture: Rgb) -> Rgb:
        """Map a canvas (h×w×3 or h×w uint8) to the photo's size, without the padding."""
        inner = picture[: self.inner_height, : self.inner_width]
        return resized(np.ascontiguousarray(inner), self.photo_height, self.photo_width)

    def box_from_canvas(self, box: Box) -> Box:
        """Convert a box from canvas pixels to photo pixels."""
        across, down = self.photo_width / self.inner_width, self.photo_height / self.inner_height
        left, top, right, bottom = box
        return (left * across, top * down, right * across, bottom * down)

    def _pad(self, picture: Rgb) -> Rgb:
        below, right = self.height - self.inner_height, self.width - self.inner_width
        if not below and not right:
            return picture
        padded: NDArray[Any] = cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_REPLICATE)
        return padded


def photo_letterbox(context: StageContext) -> Letterbox:
    """Return the letterbox of the job's photo, at the size that the device's memory allows."""
    assert context.network_provider is not None
    height, width = context[PHOTO].shape[:2]
    return Letterbox.for_photo(height, width, context.network_provider.long_side)


def resized(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize an H×W or H×W×C uint8 picture: by area averaging if a side shrinks, by Lanczos if none does.

    Returns the picture itself if it has that size already.
    """
    if picture.shape[:2] == (height, width):
        return picture
    grows = height >= picture.shape[0] and width >= picture.shape[1]
    method = cv2.INTER_LANCZOS4 if grows else cv2.INTER_AREA
    result: NDArray[Any] = cv2.resize(picture, (width, height), interpolation=method)
    return result


def downscaled_to(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Shrink each side of the picture separately to at most ``height`` × ``width``; never enlarge it."""
    return resized(picture, min(picture.shape[0], height), min(picture.shape[1], width))


def _scaled(side: int, target: int, long: int) -> int:
    return max(round(side * target / long), 1)


def _padded(side: int) -> int:
    return max(-(-side // GRID) * GRID, MIN_SIDE)
