"""Who fills a hole: with a prompt the diffusion model, without one the network that goes on with what is around it."""

from collections.abc import Callable

from darkroom.contract.params import InpaintParams
from pipeline.core.arrays import Rgb
from pipeline.core.stages import Work
from pipeline.models.arrays import Masks
from pipeline.models.denoise_request import FillOrder, Look
from pipeline.models.network_registry import BASE, FILLER, INPAINT_UNET
from pipeline.models.stages.reporting import note_unread, show_some

NETWORKS = (FILLER, BASE, INPAINT_UNET)

# Hears which fraction is done, and what is being done; what it raises ends the work.
Report = Callable[[float, str], None]


def filled(work: Work, photo: Rgb, hole: Masks, report: Report) -> Rgb:
    """The canvas, h×w×3 uint8 sRGB, with its h×w bool hole filled as the params say; sides are multiples of 8.

    Uses one or two of ``NETWORKS``. Around the hole the canvas is only much like ``photo``.
    """
    if work.params_as(InpaintParams).prompt:
        return _painted(work, photo, hole, report)
    with work.use(FILLER) as held:
        return held[FILLER].fill(photo, hole, lambda fraction: report(fraction, ""))


def _painted(work: Work, photo: Rgb, hole: Masks, report: Report) -> Rgb:
    params = work.params_as(InpaintParams)
    order = FillOrder(
        prompt=params.prompt,
        negative_prompt=params.negative_prompt,
        photo=photo,
        hole=hole,
        steps=params.steps,
        guidance=params.guidance,
        seed=params.seed,
    )
    with work.use(BASE, INPAINT_UNET) as held:
        note_unread(work, held[BASE], order.prompt, order.negative_prompt)

        def on_step(done: int, total: int, look: Look) -> None:
            report(done / total, f"Denoising: step {done} of {total}")
            show_some(work, done, total, look)

        return held[BASE].fill(order, held[INPAINT_UNET], on_step)
