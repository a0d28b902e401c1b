"""Image-to-image denoising with ControlNets: diffusers' pipeline on shared components, with a mask of kept pixels."""

from collections.abc import Mapping
from math import ceil
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionControlNetImg2ImgPipeline
from torch import nn
from torch.nn.functional import interpolate

from pipeline.core.arrays import Rgb
from pipeline.models.arrays import Bytes, Masks
from pipeline.models.denoise_request import DenoiseRequest, OnStep, Sampler
from pipeline.models.networks.latent_rgb import SD15_RGB_FACTORS, latents_to_rgb
from pipeline.models.networks.launch_throttle import LaunchThrottle
from pipeline.models.networks.schedulers import Dpm, Lcm
from pipeline.models.networks.shared_components import assemble_pipeline
from pipeline.models.offload.device import Placement

MAX_LCM_STEPS = 50  # LCM-LoRA was distilled on a schedule of this many steps


class ControlNetDenoiser:
    """Denoiser for SD 1.5 with ControlNets. Components are shared: none is copied or kept."""

    def __init__(
        self, vae: Any, unet: nn.Module, controlnets: nn.Module, schedule: Mapping[str, Any], placement: Placement
    ) -> None:
        self._vae = vae
        self._unet = unet
        self._controlnets = controlnets
        self._schedule = schedule
        self._placement = placement

    def denoise(
        self, request: DenoiseRequest, prompt: torch.Tensor, negative_prompt: torch.Tensor | None, on_step: OnStep
    ) -> torch.Tensor:
        """Denoise the request to latents: 1×4×h/8×w/8, scaled by the VAE's scaling factor.

        ``prompt`` and ``negative_prompt`` are embeddings, 1×77×d; without a negative one, classifier-free guidance is
        off. After every step, kept pixels are reset to the photo's latents with the noise of that step (Avrahami et
        al., Blended Latent Diffusion, 2022). The photo is encoded only if it is needed.
        """
        strength, total = _strength_and_steps(request)
        # On the CPU, so that a seed gives the same noise on any device.
        generator = torch.Generator().manual_seed(request.seed)
        height, width = request.photo.shape[0] // 8, request.photo.shape[1] // 8
        noise = torch.randn((1, 4, height, width), generator=generator)
        noise = noise.to(self._placement.device, self._placement.dtype)
        scheduler = self._scheduler(request.sampler)
        scheduler.set_timesteps(total)
        steps = scheduler.timesteps[total - int(total * strength) :]
        source = self._encoded(request.photo) if strength < 1 or request.keep_mask is not None else None
        initial = noise if strength == 1 or source is None else _noised(scheduler, source, noise, steps[0])
        kept = None if request.keep_mask is None else self._coverage(request.keep_mask)
        throttle = LaunchThrottle(self._placement.device)

        def after_step(_pipeline: Any, index: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            latents = tensors["latents"]
            if kept is not None and source is not None:
                photo_latents = (
                    _noised(scheduler, source, noise, steps[index + 1]) if index + 1 < len(steps) else source
                )
                latents = torch.where(kept, photo_latents, latents)
            throttle.step_launched()
            on_step(index + 1, len(steps), lambda: latents_to_rgb(scheduler.pred_original_sample, SD15_RGB_FACTORS))
            return {"latents": latents}

        pipeline = assemble_pipeline(
            StableDiffusionControlNetImg2ImgPipeline, self._vae, self._unet, scheduler, controlnet=self._controlnets
        )
        latents: torch.Tensor = pipeline(
            # As latents are given, the pipeline reads only the image's size from here.
            image=initial,
            latents=initial,
            control_image=[self._control(picture, prompt) for picture in (request.depth, request.edges)],
            prompt_embeds=prompt,
            negative_prompt_embeds=negative_prompt,
            guidance_scale=request.guidance if negative_prompt is not None else 1.0,
            num_inference_steps=total,
            strength=strength,
            controlnet_conditioning_scale=list(request.controlnet_scales),
            generator=generator,
            callback_on_step_end=after_step,
            output_type="latent",
            return_dict=False,
        )[0]
        return latents

    def _scheduler(self, sampler: Sampler) -> Any:
        return (Lcm if sampler is Sampler.LCM else Dpm).from_config(self._schedule)

    def _encoded(self, photo: Rgb) -> torch.Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(photo)).permute(2, 0, 1)[None].to(self._placement.device)
        inputs = (pixels.to(self._placement.dtype) / 127.5 - 1).contiguous(memory_format=self._placement.memory_format)
        # The distribution's mode instead of a sample, for the exact photo.
        latents: torch.Tensor = self._vae.encode(inputs).latent_dist.mode() * self._vae.config.scaling_factor
        return latents

    def _control(self, picture: Bytes, reference: torch.Tensor) -> torch.Tensor:
        # Copied, as arrays from the stage cache are read-only, and torch warns of such arrays.
        grey = torch.tensor(picture).to(reference.device, reference.dtype) / 255
        return grey[None, None].expand(1, 3, -1, -1)

    def _coverage(self, kept: Masks) -> torch.Tensor:
        """Map the mask to latent pixels: true where more than half of the covered pixels are kept."""
        whole = torch.from_numpy(np.ascontiguousarray(kept)).to(self._placement.device, torch.float32)[None, None]
        return interpolate(whole, size=(kept.shape[0] // 8, kept.shape[1] // 8), mode="area") > 0.5


def _strength_and_steps(request: DenoiseRequest) -> tuple[float, int]:
    """Return the strength, and the schedule's length for which the last ``strength`` of it has the requested steps.

    LCM's schedule is limited to ``MAX_LCM_STEPS``.
    """
    strength = max(request.strength, 1 / MAX_LCM_STEPS)
    schedule_length = ceil(request.steps / strength)
    return strength, min(schedule_length, MAX_LCM_STEPS) if request.sampler is Sampler.LCM else schedule_length


def _noised(scheduler: Any, latents: torch.Tensor, noise: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
    """Add noise to latents, as at a timestep of the forward process (Ho et al. 2020, equation 4)."""
    kept = float(scheduler.alphas_cumprod[int(timestep)])
    noised: torch.Tensor = latents * kept**0.5 + noise * (1 - kept) ** 0.5
    return noised
