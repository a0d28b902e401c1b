"""What to draw from words, and on what canvas: the shapes that SDXL was trained on."""

from dataclasses import dataclass

from darkroom.contract.params import Aspect
from pipeline.models.letterbox import GRID, MIN_SIDE

# The manager's long side is that of SD 1.5. From 768 on, the device has 6 GB or more for weights, and SDXL's U-Net and
# decoder take 5.3: they can draw a megapixel there, and make little of less.
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
    """How large a picture is drawn, in pixels: ``scale`` times the size that its shape was trained at."""

    aspect: Aspect
    scale: float = 1.0

    @classmethod
    def for_aspect(cls, aspect: Aspect, long_side: int) -> "SdxlCanvas":
        """The trained size where ``long_side``, the model manager's, is 768 or more; else so much less of it.

        >>> SdxlCanvas.for_aspect(Aspect.WIDE, 768).width, SdxlCanvas.for_aspect(Aspect.WIDE, 512).width
        (1344, 672)
        """
        return cls(aspect, 1.0 if long_side >= ENOUGH_SIDE else long_side / TRAINED_SIDE)

    @property
    def trained(self) -> tuple[int, int]:
        """Width and height that the shape was trained at."""
        return TRAINED[self.aspect]

    @property
    def width(self) -> int:
        """A multiple of 8, 64 or more."""
        return self._scaled(self.trained[0])

    @property
    def height(self) -> int:
        """A multiple of 8, 64 or more."""
        return self._scaled(self.trained[1])

    def halved(self) -> "SdxlCanvas":
        """The same shape at half the sides, as far as the least size allows."""
        return SdxlCanvas(self.aspect, self.scale / 2)

    def _scaled(self, side: int) -> int:
        return max(round(side * self.scale / GRID) * GRID, MIN_SIDE)


@dataclass(frozen=True)
class TextToImageRequest:
    """One picture to draw. With a ``guidance`` of 1 or less there is no classifier-free guidance."""

    canvas: SdxlCanvas
    steps: int
    guidance: float
    seed: int
