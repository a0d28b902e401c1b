"""Text-to-image requests: the inputs of SDXL, and the canvas sizes that it was trained on."""

from dataclasses import dataclass

from darkroom.contract.params import Aspect
from pipeline.models.letterbox import GRID, MIN_SIDE

# The manager's long side is meant for SD 1.5. From 768 on, the device has 6 GB or more for weights. SDXL's U-Net and
# decoder take 5.3 GB, so a megapixel fits, and SDXL's pictures of smaller sizes are poor.
ENOUGH_SIDE = 768
TRAINED_SIDE = 1024

# Width and height: buckets of about a megapixel from appendix I of the paper (Podell et al., SDXL, 2023).
TRAINED = {
    Aspect.SQUARE: (1024, 1024),
    Aspect.LANDSCAPE_4_3: (1152, 896),
    Aspect.PORTRAIT_3_4: (896, 1152),
    Aspect.LANDSCAPE_3_2: (1216, 832),
    Aspect.PORTRAIT_2_3: (832, 1216),
    Aspect.WIDE: (1344, 768),
    Aspect.TALL: (768, 1344),
    Aspect.PANORAMA: (1536, 640),
    Aspect.BANNER: (640, 1536),
}


@dataclass(frozen=True)
class SdxlCanvas:
    """Size of a generated picture: ``scale`` times the size that SDXL was trained at for its aspect."""

    aspect: Aspect
    scale: float = 1.0

    @classmethod
    def for_aspect(cls, aspect: Aspect, long_side: int) -> "SdxlCanvas":
        """Return the trained size if ``long_side``, the model manager's, is 768 or more; else scale it down.

        >>> SdxlCanvas.for_aspect(Aspect.WIDE, 768).width, SdxlCanvas.for_aspect(Aspect.WIDE, 512).width
        (1344, 672)
        """
        return cls(aspect, 1.0 if long_side >= ENOUGH_SIDE else long_side / TRAINED_SIDE)

    @property
    def trained(self) -> tuple[int, int]:
        """Width and height in pixels that SDXL was trained at for this aspect."""
        return TRAINED[self.aspect]

    @property
    def width(self) -> int:
        """Width in pixels: a multiple of 8, 64 or more."""
        return self._scaled(self.trained[0])

    @property
    def height(self) -> int:
        """Height in pixels: a multiple of 8, 64 or more."""
        return self._scaled(self.trained[1])

    def halved(self) -> "SdxlCanvas":
        """Return the same aspect at half the sides, but not below the minimum size."""
        return SdxlCanvas(self.aspect, self.scale / 2)

    def _scaled(self, side: int) -> int:
        return max(round(side * self.scale / GRID) * GRID, MIN_SIDE)


@dataclass(frozen=True)
class TextToImageRequest:
    """Request for one picture. A ``guidance`` of 1 or less disables classifier-free guidance."""

    canvas: SdxlCanvas
    steps: int
    guidance: float
    seed: int
