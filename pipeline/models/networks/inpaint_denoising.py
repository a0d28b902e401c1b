"""Inpainting from a prompt: diffusers' inpainting pipeline on shared components."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionInpaintPipeline
from torch import nn
from torch.nn.functional import max_pool2d

from pipeline.models.denoise_request import InpaintDenoiseRequest, OnStep
from pipeline.models.networks.latent_rgb import SD15_RGB_FACTORS, latents_to_rgb
from pipeline.models.networks.launch_throttle import LaunchThrottle
from pipeline.models.networks.schedulers import Dpm
from pipeline.models.networks.shared_components import assemble_pipeline
from pipeline.models.offload.device import Placement

GRID = 8  # picture pixels per latent pixel


class InpaintDenoiser:
    """Denoiser for SD 1.5 inpainting. Components are shared: none is copied or kept.

    ``unet`` has nine input channels: the latents, the mask, and the latents of the masked photo (Rombach et al. 2022).
    """

    def __init__(self, vae: Any, unet: nn.Module, schedule: Mapping[str, Any], placement: Placement) -> None:
        self._vae = vae
        self._unet = unet
        self._schedule = schedule
        self._placement = placement

    def denoise(
        self,
        request: InpaintDenoiseRequest,
        prompt: torch.Tensor,
        negative_prompt: torch.Tensor | None,
        on_step: OnStep,
    ) -> torch.Tensor:
        """Denoise the request to latents: 1×4×h/8×w/8, scaled by the VAE's scaling factor.

        ``prompt`` and ``negative_prompt`` are embeddings, 1×77×d; without a negative one, classifier-free guidance is
        off.
        """
        height, width = request.hole.shape
        pixels = torch.from_numpy(np.ascontiguousarray(request.photo)).permute(2, 0, 1)[None].float() / 255
        whole = torch.from_numpy(np.ascontiguousarray(request.hole))[None, None].float()
        # A latent pixel is hole if any of its pixels is. The pipeline itself would sample one pixel of each.
        hole = max_pool2d(whole, GRID).repeat_interleave(GRID, dim=2).repeat_interleave(GRID, dim=3)
        scheduler = Dpm.from_config(self._schedule)
        throttle = LaunchThrottle(self._placement.device)

        def after_step(_pipeline: Any, index: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            throttle.step_launched()
            on_step(index + 1, request.steps, lambda: latents_to_rgb(scheduler.pred_original_sample, SD15_RGB_FACTORS))
            return tensors

        pipeline = assemble_pipeline(StableDiffusionInpaintPipeline, self._vae, self._unet, scheduler)
        latents: torch.Tensor = pipeline(
            image=pixels,
            mask_image=hole,
            height=height,
            width=width,
            prompt_embeds=prompt,
            negative_prompt_embeds=negative_prompt,
            guidance_scale=request.guidance if negative_prompt is not None else 1.0,
            num_inference_steps=request.steps,
            strength=1.0,
            # On the CPU, so that a seed gives the same noise on any device.
            generator=torch.Generator().manual_seed(request.seed),
            callback_on_step_end=after_step,
            output_type="latent",
            return_dict=False,
        )[0]
        return latents
