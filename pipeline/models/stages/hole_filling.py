"""Who fills a hole: with a prompt the diffusion model, without one the network that goes on with what is around it."""

from collections.abc import Callable

from darkroom.contract.params import InpaintParams
from pipeline.core.arrays import Rgb
from pipeline.core.stages import StageContext
from pipeline.models.arrays import Masks
from pipeline.models.denoise_request import InpaintDenoiseRequest, MakeProgressImage
from pipeline.models.network_registry import HOLE_FILLER, SD15_INPAINT_UNET, STABLE_DIFFUSION
from pipeline.models.stages.reporting import note_truncated_prompt, report_some_progress_images

HOLE_FILLING_NETWORKS = (HOLE_FILLER, STABLE_DIFFUSION, SD15_INPAINT_UNET)

# Hears which fraction is done, and what is being done; what it raises ends the work.
Report = Callable[[float, str], None]


def fill_hole(work: StageContext, photo: Rgb, hole: Masks, report: Report) -> Rgb:
    """The canvas, h×w×3 uint8 sRGB, with its h×w bool hole filled as the params say; sides are multiples of 8.

    Uses one or two of ``NETWORKS``. Around the hole the canvas is only much like ``photo``.
    """
    if work.params_as(InpaintParams).prompt:
        return _inpaint_from_prompt(work, photo, hole, report)
    with work.use_networks(HOLE_FILLER) as held:
        return held[HOLE_FILLER].fill(photo, hole, lambda fraction: report(fraction, ""))


def _inpaint_from_prompt(work: StageContext, photo: Rgb, hole: Masks, report: Report) -> Rgb:
    params = work.params_as(InpaintParams)
    order = InpaintDenoiseRequest(
        prompt=params.prompt,
        negative_prompt=params.negative_prompt,
        photo=photo,
        hole=hole,
        steps=params.steps,
        guidance=params.guidance,
        seed=params.seed,
    )
    with work.use_networks(STABLE_DIFFUSION, SD15_INPAINT_UNET) as held:
        note_truncated_prompt(work, held[STABLE_DIFFUSION], order.prompt, order.negative_prompt)

        def on_step(done: int, total: int, look: MakeProgressImage) -> None:
            report(done / total, f"Denoising: step {done} of {total}")
            report_some_progress_images(work, done, total, look)

        return held[STABLE_DIFFUSION].inpaint(order, held[SD15_INPAINT_UNET], on_step)
