"""Text-to-image stage: SDXL-Lightning in four steps, or SDXL in thirty."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import GenerateParams, Profile
from pipeline.core.arrays import Rgb
from pipeline.core.failures import translate_errors
from pipeline.core.networks import Network
from pipeline.core.stages import Artifact, Slot, Stage, StageContext
from pipeline.models.denoise_request import MakeProgressImage
from pipeline.models.network_registry import SDXL_FEW_STEP_UNET, SDXL_UNET, SDXL_VAE_DECODER
from pipeline.models.stages.half_size_retry import retry_at_half_size
from pipeline.models.stages.prompt_encoding import CONDITIONING
from pipeline.models.stages.reporting import report_some_progress_images
from pipeline.models.text_to_image_request import SdxlCanvas, TextToImageRequest

if TYPE_CHECKING:
    import torch

    from pipeline.models.networks.sdxl import SdxlUnet

SEEDS = 2**32


@dataclass(frozen=True)
class TextToImagePreset:
    """Sampling settings of a profile."""

    unet: "Network[SdxlUnet]"
    steps: int
    guidance: float


TEXT_TO_IMAGE_PRESETS = {
    # Guidance is distilled into Lightning (Lin et al. 2024).
    Profile.FAST: TextToImagePreset(SDXL_FEW_STEP_UNET, 4, 0.0),
    Profile.QUALITY: TextToImagePreset(SDXL_UNET, 30, 6.5),
}


@dataclass(frozen=True)
class GeneratedPicture:
    """A picture, h×w×3 uint8 sRGB, and the seed that made it."""

    picture: Rgb
    seed: int


GENERATED_PICTURES: Artifact[tuple[GeneratedPicture, ...]] = Artifact(
    "drawn", "h×w×3 uint8 sRGB each, with its seed, in the order of seeds"
)


class TextToImage(Stage):
    """Generate the requested number of pictures, one by one; at half the size after running out of memory."""

    name = "draw"
    message = "Drawing"
    slot = Slot.COMPUTE
    requires = (CONDITIONING,)
    provides = (GENERATED_PICTURES,)
    networks = (SDXL_UNET, SDXL_FEW_STEP_UNET, SDXL_VAE_DECODER)

    def run(self, work: StageContext) -> None:
        """Generate the pictures. Raises ``DarkroomError`` (``out_of_memory``) if half the size is too large, too."""
        assert work.network_provider is not None
        canvas = SdxlCanvas.for_aspect(work.params_as(GenerateParams).aspect, work.network_provider.long_side)
        work[GENERATED_PICTURES] = retry_at_half_size(
            work, self.name, lambda on: _generate(work, on), canvas, canvas.halved
        )


def _generate(work: StageContext, canvas: SdxlCanvas) -> tuple[GeneratedPicture, ...]:
    params = work.params_as(GenerateParams)
    recipe = TEXT_TO_IMAGE_PRESETS[params.profile]
    seeds = [(params.seed + index) % SEEDS for index in range(params.count)]
    # Latents take only kilobytes, so all are decoded at the end, when the U-Net may be evicted.
    undecoded = _denoise_all(work, canvas, recipe, seeds)
    drawn = []
    for index, seed in enumerate(seeds):
        work.report((len(seeds) * recipe.steps + index) / _total(recipe, seeds), "Developing")
        drawn.append(GeneratedPicture(_decode_with_retry(work, undecoded[index]), seed))
    return tuple(drawn)


def _denoise_all(
    work: StageContext, canvas: SdxlCanvas, recipe: TextToImagePreset, seeds: list[int]
) -> "list[torch.Tensor]":
    total = len(seeds) * recipe.steps
    wanted = work[CONDITIONING]
    undecoded = []
    with work.use_networks(recipe.unet) as held:
        for index, seed in enumerate(seeds):
            which = f"picture {index + 1} of {len(seeds)}, " if len(seeds) > 1 else ""

            def on_step(
                step: int, steps: int, look: MakeProgressImage, before: int = index * recipe.steps, which: str = which
            ) -> None:
                done = before + step
                work.report(done / _total(recipe, seeds), f"Drawing: {which}step {step} of {steps}")
                report_some_progress_images(work, done, total, look)

            drawing = TextToImageRequest(canvas, recipe.steps, recipe.guidance, seed)
            undecoded.append(held[recipe.unet].denoise(drawing, wanted.prompt, wanted.negative, on_step))
    return undecoded


def _decode_with_retry(work: StageContext, latents: "torch.Tensor") -> Rgb:
    """Decode latents. After running out of memory, try once more, with idle networks evicted."""
    with work.use_networks(SDXL_VAE_DECODER) as held:
        try:
            with translate_errors(TextToImage.name, work.network_provider):
                return held[SDXL_VAE_DECODER].decode(latents)
        except DarkroomError as error:
            if error.detail.code is not ErrorCode.OUT_OF_MEMORY:
                raise
        return held[SDXL_VAE_DECODER].decode(latents)


def _total(recipe: TextToImagePreset, seeds: list[int]) -> int:
    """Return the steps of the whole job, with decoding a picture counted as one."""
    return len(seeds) * (recipe.steps + 1)
