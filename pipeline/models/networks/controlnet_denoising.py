"""Denoising: diffusers' own ControlNet pipeline over borrowed parts, with the photo held where it is kept."""

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

MAX_LCM_STEPS = 50  # LCM-LoRA was distilled on a schedule of so many


class ControlNetDenoiser:
    """Turns noise into latents on borrowed networks: nothing is copied, nothing is kept."""

    def __init__(
        self, vae: Any, unet: nn.Module, controlnets: nn.Module, schedule: Mapping[str, Any], placement: Placement
    ) -> None:
        self._vae = vae
        self._unet = unet
        self._controlnets = controlnets
        self._schedule = schedule
        self._placement = placement

    def denoise(
        self, order: DenoiseRequest, prompt: torch.Tensor, negative_prompt: torch.Tensor | None, on_step: OnStep
    ) -> torch.Tensor:
        """Latents, 1×4×h/8×w/8, in the VAE decoder's scale times its factor.

        ``prompt`` and ``restyle_negative_prompt`` are embeddings, 1×77×d; no negative one is no classifier-free
        guidance.

        What is kept is, after every step, the photo's own latents with the noise that this step left elsewhere:
        Avrahami et al., Blended Latent Diffusion, 2022. The photo is encoded once, or never if nothing is of it.
        """
        strength, total = _strength_and_steps(order)
        # On the CPU, so that a seed means the same noise whatever the device.
        generator = torch.Generator().manual_seed(order.seed)
        height, width = order.photo.shape[0] // 8, order.photo.shape[1] // 8
        noise = torch.randn((1, 4, height, width), generator=generator)
        noise = noise.to(self._placement.device, self._placement.dtype)
        scheduler = self._scheduler(order.sampler)
        scheduler.set_timesteps(total)
        steps = scheduler.timesteps[total - int(total * strength) :]
        source = self._encoded(order.photo) if strength < 1 or order.keep_mask is not None else None
        begin = noise if strength == 1 or source is None else _noised(scheduler, source, noise, steps[0])
        kept = None if order.keep_mask is None else self._coverage(order.keep_mask)
        pace = LaunchThrottle(self._placement.device)

        def after_step(_pipeline: Any, index: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            latents = tensors["latents"]
            if kept is not None and source is not None:
                there = _noised(scheduler, source, noise, steps[index + 1]) if index + 1 < len(steps) else source
                latents = torch.where(kept, there, latents)
            pace.step_launched()
            on_step(index + 1, len(steps), lambda: latents_to_rgb(scheduler.expected, SD15_RGB_FACTORS))
            return {"latents": latents}

        pipeline = assemble_pipeline(
            StableDiffusionControlNetImg2ImgPipeline, self._vae, self._unet, scheduler, controlnet=self._controlnets
        )
        latents: torch.Tensor = pipeline(
            # With latents given, it takes the size of its image from here and nothing else.
            image=begin,
            latents=begin,
            control_image=[self._control(picture, prompt) for picture in (order.depth, order.edges)],
            prompt_embeds=prompt,
            negative_prompt_embeds=negative_prompt,
            guidance_scale=order.guidance if negative_prompt is not None else 1.0,
            num_inference_steps=total,
            strength=strength,
            controlnet_conditioning_scale=list(order.controlnet_scales),
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
        given = (pixels.to(self._placement.dtype) / 127.5 - 1).contiguous(memory_format=self._placement.memory_format)
        # The distribution's mode, not a sample of it: the photo as it is.
        latents: torch.Tensor = self._vae.encode(given).latent_dist.mode() * self._vae.config.scaling_factor
        return latents

    def _control(self, picture: Bytes, like: torch.Tensor) -> torch.Tensor:
        # Copied: what comes from the stage cache must not be written to, and torch warns of such arrays.
        grey = torch.tensor(picture).to(like.device, like.dtype) / 255
        return grey[None, None].expand(1, 3, -1, -1)

    def _coverage(self, kept: Masks) -> torch.Tensor:
        """Whether a latent pixel is kept: most of what it covers is."""
        whole = torch.from_numpy(np.ascontiguousarray(kept)).to(self._placement.device, torch.float32)[None, None]
        return interpolate(whole, size=(kept.shape[0] // 8, kept.shape[1] // 8), mode="area") > 0.5


def _strength_and_steps(order: DenoiseRequest) -> tuple[float, int]:
    """The strength, and so long a schedule that its last ``strength`` has the steps that were ordered, if it can."""
    strength = max(order.strength, 1 / MAX_LCM_STEPS)
    wanted = ceil(order.steps / strength)
    return strength, min(wanted, MAX_LCM_STEPS) if order.sampler is Sampler.LCM else wanted


def _noised(scheduler: Any, latents: torch.Tensor, noise: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
    """Latents as they are at a timestep of the forward process (Ho et al. 2020, equation 4)."""
    kept = float(scheduler.alphas_cumprod[int(timestep)])
    noised: torch.Tensor = latents * kept**0.5 + noise * (1 - kept) ** 0.5
    return noised
