"""Hole filling: by diffusion if there is a prompt, else by the network that continues the surroundings."""

from collections.abc import Callable

from darkroom.contract.params import InpaintParams
from pipeline.core.arrays import Rgb
from pipeline.core.stages import StageContext
from pipeline.models.arrays import Masks
from pipeline.models.denoise_request import InpaintDenoiseRequest, MakeProgressImage
from pipeline.models.network_registry import HOLE_FILLER, SD15_INPAINT_UNET, STABLE_DIFFUSION
from pipeline.models.stages.reporting import note_truncated_prompt, report_some_progress_images

HOLE_FILLING_NETWORKS = (HOLE_FILLER, STABLE_DIFFUSION, SD15_INPAINT_UNET)

# Receives the fraction done and a message. If it raises, the work ends.
Report = Callable[[float, str], None]


def fill_hole(context: StageContext, photo: Rgb, hole: Masks, report: Report) -> Rgb:
    """Fill the h×w bool hole of a canvas (h×w×3 uint8 sRGB, sides multiples of 8) as the params say.

    Uses one or two of ``HOLE_FILLING_NETWORKS``. Outside the hole the result is only similar to ``photo``.
    """
    if context.params_as(InpaintParams).prompt:
        return _inpaint_from_prompt(context, photo, hole, report)
    with context.use_networks(HOLE_FILLER) as networks:
        return networks[HOLE_FILLER].fill(photo, hole, lambda fraction: report(fraction, ""))


def _inpaint_from_prompt(context: StageContext, photo: Rgb, hole: Masks, report: Report) -> Rgb:
    params = context.params_as(InpaintParams)
    request = InpaintDenoiseRequest(
        prompt=params.prompt,
        negative_prompt=params.negative_prompt,
        photo=photo,
        hole=hole,
        steps=params.steps,
        guidance=params.guidance,
        seed=params.seed,
    )
    with context.use_networks(STABLE_DIFFUSION, SD15_INPAINT_UNET) as networks:
        note_truncated_prompt(context, networks[STABLE_DIFFUSION], request.prompt, request.negative_prompt)

        def on_step(done: int, total: int, make_progress_image: MakeProgressImage) -> None:
            report(done / total, f"Denoising: step {done} of {total}")
            report_some_progress_images(context, done, total, make_progress_image)

        return networks[STABLE_DIFFUSION].inpaint(request, networks[SD15_INPAINT_UNET], on_step)
