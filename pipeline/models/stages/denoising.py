"""Denoising of a room photo: used by ``Diffuse``, and again by ``Validate`` if the picture is poor."""

from dataclasses import dataclass

import numpy as np

from darkroom.contract.params import Profile, RestyleRoomParams
from darkroom.contract.styles import styles
from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import PHOTO, ROOM
from pipeline.core.stages import Artifact, StageContext
from pipeline.imaging.composite import composite
from pipeline.models.arrays import Bytes
from pipeline.models.artifacts import DEPTH, EDGES, KEEP_MASK
from pipeline.models.denoise_request import SAMPLING_PRESETS, DenoiseRequest, MakeProgressImage
from pipeline.models.letterbox import Letterbox
from pipeline.models.network_registry import CONTROLNETS, SD15_FEW_STEP_UNET, SD15_UNET, STABLE_DIFFUSION
from pipeline.models.stages.reporting import note_truncated_prompt, report_some_progress_images
from pipeline.models.stages.restyle_prompt import restyle_negative_prompt, restyle_prompt, room_name

FAINT = 64  # minimum value of an edge (255) after the edge picture is reduced to half its size

DENOISING_ARTIFACTS = (PHOTO, KEEP_MASK, ROOM, DEPTH, EDGES)
DENOISING_NETWORKS = (STABLE_DIFFUSION, SD15_UNET, SD15_FEW_STEP_UNET, CONTROLNETS)


@dataclass(frozen=True)
class DenoisedPicture:
    """A generated picture on ``letterbox``'s canvas, h×w×3 uint8 sRGB, with the kept pixels pasted in, and its seed."""

    picture: Rgb
    seed: int
    letterbox: Letterbox


DENOISED: Artifact[DenoisedPicture] = Artifact("painted", "h×w×3 uint8 sRGB on its canvas, kept things in it; its seed")
SELECTED: Artifact[DenoisedPicture] = Artifact(
    "chosen", "the painted picture that passed, or the better of two; likewise"
)


def run_denoising(
    context: StageContext, seed: int, letterbox: Letterbox, message: str = "Denoising"
) -> DenoisedPicture:
    """Generate the restyled picture on ``letterbox``'s canvas and paste the kept pixels over it.

    Reads ``DENOISING_ARTIFACTS`` and uses three of ``DENOISING_NETWORKS``. Reports every denoising step, some with a
    progress image. Adds notes on params without effect.
    """
    request = _denoise_request(context, seed, letterbox)
    unet = SD15_FEW_STEP_UNET if context.params_as(RestyleRoomParams).profile is Profile.FAST else SD15_UNET
    with context.use_networks(STABLE_DIFFUSION, unet, CONTROLNETS) as networks:
        note_truncated_prompt(context, networks[STABLE_DIFFUSION], request.prompt, request.negative_prompt)

        def on_step(done: int, total: int, make_progress_image: MakeProgressImage) -> None:
            context.report(done / total, f"{message}: step {done} of {total}")
            report_some_progress_images(context, done, total, make_progress_image)

        canvas = networks[STABLE_DIFFUSION].image_to_image(request, networks[unet], networks[CONTROLNETS], on_step)
    return DenoisedPicture(composite(request.photo, canvas, request.keep_mask), seed, letterbox)


def room_of(context: StageContext) -> str:
    """Return the room's name in words: from the params, else the recognised one."""
    return room_name(context.params_as(RestyleRoomParams).room, context[ROOM])


def edges_on_canvas(edges: Bytes, letterbox: Letterbox) -> Bytes:
    """Map the photo's edges (h×w uint8, 0 or 255) from the canvas they were detected on to ``letterbox``'s canvas."""
    return np.where(_control_on_canvas(edges, letterbox) >= FAINT, np.uint8(255), np.uint8(0))


def _denoise_request(context: StageContext, seed: int, letterbox: Letterbox) -> DenoiseRequest:
    params, kept = context.params_as(RestyleRoomParams), context[KEEP_MASK]
    preset = SAMPLING_PRESETS[params.profile]
    guidance = preset.guidance if params.guidance is None else params.guidance
    if guidance <= 1 and params.negative_prompt:
        context.add_note("The negative prompt had no effect: it takes guidance above 1, as the profile “quality” has.")
    return DenoiseRequest(
        prompt=restyle_prompt(styles()[params.style], room_of(context), params.prompt),
        negative_prompt=restyle_negative_prompt(params.negative_prompt) if guidance > 1 else "",
        photo=letterbox.to_canvas(context[PHOTO]),
        depth=_control_on_canvas(context[DEPTH], letterbox),
        edges=edges_on_canvas(context[EDGES], letterbox),
        keep_mask=None if kept is None else letterbox.mask_to_canvas(kept),
        sampler=preset.sampler,
        steps=preset.steps if params.steps is None else params.steps,
        guidance=guidance,
        strength=params.strength,
        seed=seed,
        controlnet_scales=(params.depth_scale, params.edges_scale),
    )


def _control_on_canvas(control: Bytes, letterbox: Letterbox) -> Bytes:
    """Map a control picture from the canvas that it was made for to ``letterbox``'s canvas."""
    if control.shape == (letterbox.height, letterbox.width):
        return control
    own_letterbox = Letterbox.for_photo(letterbox.photo_height, letterbox.photo_width, max(control.shape))
    return letterbox.to_canvas(own_letterbox.from_canvas(control))
