"""The stage that draws pictures from words: SDXL-Lightning in four steps, or SDXL in thirty."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import GenerateParams, Profile
from pipeline.core.arrays import Rgb
from pipeline.core.failures import translating
from pipeline.core.networks import Network
from pipeline.core.stages import Artifact, Slot, Stage, Work
from pipeline.models.denoise_request import Look
from pipeline.models.network_registry import PICTURE_DECODER, PICTURE_FEW_STEP_UNET, PICTURE_UNET
from pipeline.models.stages.half_size_retry import at_half_size_if_need_be
from pipeline.models.stages.prompt_encoding import WANTED
from pipeline.models.stages.reporting import show_some
from pipeline.models.text_to_image_request import Canvas, Drawing

if TYPE_CHECKING:
    import torch

    from pipeline.models.networks.sdxl import PictureUnet

SEEDS = 2**32


@dataclass(frozen=True)
class Recipe:
    """What a profile stands for."""

    unet: "Network[PictureUnet]"
    steps: int
    guidance: float


RECIPES = {
    # Lightning was distilled with guidance in it: Lin et al. 2024.
    Profile.FAST: Recipe(PICTURE_FEW_STEP_UNET, 4, 0.0),
    Profile.QUALITY: Recipe(PICTURE_UNET, 30, 6.5),
}


@dataclass(frozen=True)
class Drawn:
    """A picture, h×w×3 uint8 sRGB, and the seed that made it."""

    picture: Rgb
    seed: int


DRAWN: Artifact[tuple[Drawn, ...]] = Artifact("drawn", "h×w×3 uint8 sRGB each, with its seed, in the order of seeds")


class Draw(Stage):
    """Draw as many pictures as were asked for, one after the other; at half the size if the memory runs out."""

    name = "draw"
    message = "Drawing"
    slot = Slot.COMPUTE
    requires = (WANTED,)
    provides = (DRAWN,)
    networks = (PICTURE_UNET, PICTURE_FEW_STEP_UNET, PICTURE_DECODER)

    def run(self, work: Work) -> None:
        """Raises ``DarkroomError`` (``out_of_memory``) when half the size was too large as well."""
        assert work.models is not None
        canvas = Canvas.of(work.params_as(GenerateParams).aspect, work.models.long_side)
        work[DRAWN] = at_half_size_if_need_be(work, self.name, lambda on: _drawn(work, on), canvas, canvas.halved)


def _drawn(work: Work, canvas: Canvas) -> tuple[Drawn, ...]:
    params = work.params_as(GenerateParams)
    recipe = RECIPES[params.profile]
    seeds = [(params.seed + index) % SEEDS for index in range(params.count)]
    # All are decoded at the end, when the U-Net may leave the device: until then a picture takes some kilobytes.
    undecoded = _undecoded(work, canvas, recipe, seeds)
    drawn = []
    for index, seed in enumerate(seeds):
        work.report((len(seeds) * recipe.steps + index) / _total(recipe, seeds), "Developing")
        drawn.append(Drawn(_decoded(work, undecoded[index]), seed))
    return tuple(drawn)


def _undecoded(work: Work, canvas: Canvas, recipe: Recipe, seeds: list[int]) -> "list[torch.Tensor]":
    total = len(seeds) * recipe.steps
    wanted = work[WANTED]
    undecoded = []
    with work.use(recipe.unet) as held:
        for index, seed in enumerate(seeds):
            which = f"picture {index + 1} of {len(seeds)}, " if len(seeds) > 1 else ""

            def on_step(
                step: int, steps: int, look: Look, before: int = index * recipe.steps, which: str = which
            ) -> None:
                done = before + step
                work.report(done / _total(recipe, seeds), f"Drawing: {which}step {step} of {steps}")
                show_some(work, done, total, look)

            drawing = Drawing(canvas, recipe.steps, recipe.guidance, seed)
            undecoded.append(held[recipe.unet].draw(drawing, wanted.prompt, wanted.negative, on_step))
    return undecoded


def _decoded(work: Work, latents: "torch.Tensor") -> Rgb:
    """Decoding takes most memory at once: should it run out, once more when what is idle has left the device."""
    with work.use(PICTURE_DECODER) as held:
        try:
            with translating(Draw.name, work.models):
                return held[PICTURE_DECODER].decode(latents)
        except DarkroomError as error:
            if error.detail.code is not ErrorCode.OUT_OF_MEMORY:
                raise
        return held[PICTURE_DECODER].decode(latents)


def _total(recipe: Recipe, seeds: list[int]) -> int:
    """Steps of the whole job, decoding a picture taken for one."""
    return len(seeds) * (recipe.steps + 1)
