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

    def run(self, context: StageContext) -> None:
        """Generate the pictures. Raises ``DarkroomError`` (``out_of_memory``) if half the size is too large, too."""
        assert context.network_provider is not None
        canvas = SdxlCanvas.for_aspect(context.params_as(GenerateParams).aspect, context.network_provider.long_side)
        context[GENERATED_PICTURES] = retry_at_half_size(
            context, self.name, lambda on: _generate(context, on), canvas, canvas.halved
        )


def _generate(context: StageContext, canvas: SdxlCanvas) -> tuple[GeneratedPicture, ...]:
    params = context.params_as(GenerateParams)
    preset = TEXT_TO_IMAGE_PRESETS[params.profile]
    seeds = [(params.seed + index) % SEEDS for index in range(params.count)]
    # Latents take only kilobytes, so all are decoded at the end, when the U-Net may be evicted.
    latents_by_picture = _denoise_all(context, canvas, preset, seeds)
    generated = []
    for index, seed in enumerate(seeds):
        context.report((len(seeds) * preset.steps + index) / _total(preset, seeds), "Developing")
        generated.append(GeneratedPicture(_decode_with_retry(context, latents_by_picture[index]), seed))
    return tuple(generated)


def _denoise_all(
    context: StageContext, canvas: SdxlCanvas, preset: TextToImagePreset, seeds: list[int]
) -> "list[torch.Tensor]":
    total = len(seeds) * preset.steps
    conditioning = context[CONDITIONING]
    latents_by_picture = []
    with context.use_networks(preset.unet) as networks:
        for index, seed in enumerate(seeds):
            label = f"picture {index + 1} of {len(seeds)}, " if len(seeds) > 1 else ""

            def on_step(
                step: int,
                steps: int,
                make_progress_image: MakeProgressImage,
                before: int = index * preset.steps,
                label: str = label,
            ) -> None:
                done = before + step
                context.report(done / _total(preset, seeds), f"Drawing: {label}step {step} of {steps}")
                report_some_progress_images(context, done, total, make_progress_image)

            request = TextToImageRequest(canvas, preset.steps, preset.guidance, seed)
            latents_by_picture.append(
                networks[preset.unet].denoise(request, conditioning.prompt, conditioning.negative, on_step)
            )
    return latents_by_picture


def _decode_with_retry(context: StageContext, latents: "torch.Tensor") -> Rgb:
    """Decode latents. After running out of memory, try once more, with idle networks evicted."""
    with context.use_networks(SDXL_VAE_DECODER) as networks:
        try:
            with translate_errors(TextToImage.name, context.network_provider):
                return networks[SDXL_VAE_DECODER].decode(latents)
        except DarkroomError as error:
            if error.detail.code is not ErrorCode.OUT_OF_MEMORY:
                raise
        return networks[SDXL_VAE_DECODER].decode(latents)


def _total(preset: TextToImagePreset, seeds: list[int]) -> int:
    """Return the steps of the whole job, with decoding a picture counted as one."""
    return len(seeds) * (preset.steps + 1)
