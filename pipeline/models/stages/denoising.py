"""How a photo is painted: what diffuse does once, and validate once more if the picture is poor."""

from dataclasses import dataclass

import numpy as np

from darkroom.contract.params import Profile, RestyleRoomParams
from darkroom.contract.styles import styles
from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import PHOTO, ROOM
from pipeline.core.stages import Artifact, Work
from pipeline.imaging.composite import composite
from pipeline.models.arrays import Bytes
from pipeline.models.artifacts import DEPTH, EDGES, KEPT
from pipeline.models.denoise_request import RECIPES, Look, Order
from pipeline.models.letterbox import Fit
from pipeline.models.network_registry import BASE, CONTROLS, FEW_STEP_UNET, UNET
from pipeline.models.stages.reporting import note_unread, show_some
from pipeline.models.stages.restyle_prompt import negative_prompt, prompt, room_words

FAINT = 64  # an edge that was 255 is at least this after its picture was shrunk to half

NEEDS = (PHOTO, KEPT, ROOM, DEPTH, EDGES)
NETWORKS = (BASE, UNET, FEW_STEP_UNET, CONTROLS)


@dataclass(frozen=True)
class Painted:
    """A picture on ``fit``'s canvas, h×w×3 uint8 sRGB, with what is kept in it, and its seed."""

    picture: Rgb
    seed: int
    fit: Fit


PAINTED: Artifact[Painted] = Artifact("painted", "h×w×3 uint8 sRGB on its canvas, kept things in it; its seed")
CHOSEN: Artifact[Painted] = Artifact("chosen", "the painted picture that passed, or the better of two; likewise")


def paint(work: Work, seed: int, fit: Fit, doing: str = "Denoising") -> Painted:
    """Paint the photo on ``fit``'s canvas and lay what is kept over it.

    Reads ``NEEDS``, uses three of ``NETWORKS``, reports every denoising step and shows some, and notes what of the
    request has no effect.
    """
    order = _order(work, seed, fit)
    unet = FEW_STEP_UNET if work.params_as(RestyleRoomParams).profile is Profile.FAST else UNET
    with work.use(BASE, unet, CONTROLS) as held:
        note_unread(work, held[BASE], order.prompt, order.negative_prompt)

        def on_step(done: int, total: int, look: Look) -> None:
            work.report(done / total, f"{doing}: step {done} of {total}")
            show_some(work, done, total, look)

        canvas = held[BASE].paint(order, held[unet], held[CONTROLS], on_step)
    return Painted(composite(order.photo, canvas, order.kept), seed, fit)


def room_of(work: Work) -> str:
    """The room that the photo shows, in words."""
    return room_words(work.params_as(RestyleRoomParams).room, work[ROOM])


def edges_at(edges: Bytes, fit: Fit) -> Bytes:
    """The photo's edges, h×w uint8, 0 or 255, on ``fit``'s canvas, whichever canvas they were found on."""
    return np.where(_at(edges, fit) >= FAINT, np.uint8(255), np.uint8(0))


def _order(work: Work, seed: int, fit: Fit) -> Order:
    params, kept = work.params_as(RestyleRoomParams), work[KEPT]
    recipe = RECIPES[params.profile]
    guidance = recipe.guidance if params.guidance is None else params.guidance
    if guidance <= 1 and params.negative_prompt:
        work.note("The negative prompt had no effect: it takes guidance above 1, as the profile “quality” has.")
    return Order(
        prompt=prompt(styles()[params.style], room_of(work), params.prompt),
        negative_prompt=negative_prompt(params.negative_prompt) if guidance > 1 else "",
        photo=fit.to_canvas(work[PHOTO]),
        depth=_at(work[DEPTH], fit),
        edges=edges_at(work[EDGES], fit),
        kept=None if kept is None else fit.mask_to_canvas(kept),
        sampler=recipe.sampler,
        steps=recipe.steps if params.steps is None else params.steps,
        guidance=guidance,
        strength=params.strength,
        seed=seed,
        scales=(params.depth_scale, params.edges_scale),
    )


def _at(control: Bytes, fit: Fit) -> Bytes:
    """A control picture made for the first canvas, on this one."""
    if control.shape == (fit.height, fit.width):
        return control
    first = Fit.of(fit.photo_height, fit.photo_width, max(control.shape))
    return fit.to_canvas(first.from_canvas(control))
