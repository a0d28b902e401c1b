"""Stable Diffusion 1.5 (Rombach et al. 2022) with two ControlNets (Zhang et al. 2023), as separate networks."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, DPMSolverMultistepScheduler, UNet2DConditionModel
from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from pipeline.core.arrays import Rgb
from pipeline.models.denoise_request import DenoiseRequest, InpaintDenoiseRequest, OnStep
from pipeline.models.networks.controlnet_denoising import ControlNetDenoiser
from pipeline.models.networks.inpaint_denoising import InpaintDenoiser
from pipeline.models.networks.lora import load_lora
from pipeline.models.networks.pretrained import load_pretrained
from pipeline.models.networks.tokenization import token_ids, truncated_tail
from pipeline.models.networks.vae_decoding import decode_latents, decode_to_picture
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import TorchNetwork
from pipeline.weights.store import Weights

MAX_CACHED_PROMPTS = 64  # cached prompt embeddings, 118 kB each


class Unet(TorchNetwork):
    """U-Net of SD 1.5: predicts the noise in latents."""

    def __init__(self, placement: Placement, unet: nn.Module) -> None:
        super().__init__(placement, unet)
        self.unet = unet

    def compile(self) -> None:
        """Compile it at its next use, which takes minutes, and again for every new size."""
        self.unet.compile()

    def close(self) -> None:
        """Drop the modules."""
        super().close()
        del self.unet


class ControlNets(TorchNetwork):
    """ControlNets that condition the U-Net on a depth and an edge picture."""

    def __init__(self, placement: Placement, *controlnets: Any) -> None:
        for controlnet in controlnets:
            controlnet.controlnet_cond_embedding = _CachedEmbedding(controlnet.controlnet_cond_embedding)
        self.controlnets = MultiControlNetModel(controlnets)
        super().__init__(placement, self.controlnets)

    def compile(self) -> None:
        """Compile them at their next use, which takes minutes, and again for every new size."""
        for controlnet in self.controlnets.nets:
            controlnet.compile()

    def clear_cached_embeddings(self) -> None:
        """Drop the cached control pictures of the last request."""
        for controlnet in self.controlnets.nets:
            controlnet.controlnet_cond_embedding.clear()

    def close(self) -> None:
        """Drop the modules."""
        super().close()
        del self.controlnets


class _CachedEmbedding(nn.Module):
    """Cache of a control picture's embedding, which is the same at all steps of a request."""

    def __init__(self, embedding: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding
        self._last_conditioning: torch.Tensor | None = None
        self._embedded: torch.Tensor | None = None

    @torch.compiler.disable  # type: ignore[untyped-decorator] # torch
    def forward(self, conditioning: torch.Tensor) -> Any:
        """Embed the picture as the wrapped module does, unless it is the same tensor object as before."""
        if self._last_conditioning is not conditioning:
            self._last_conditioning, self._embedded = conditioning, self.embedding(conditioning)
        return self._embedded

    def clear(self) -> None:
        """Drop the picture and its embedding."""
        self._last_conditioning = self._embedded = None


class StableDiffusion(TorchNetwork):
    """Components around the U-Net: text encoder, tokenizer, VAE and noise schedule."""

    def __init__(
        self, placement: Placement, vae: nn.Module, text_encoder: nn.Module, tokenizer: Any, schedule: Mapping[str, Any]
    ) -> None:
        super().__init__(placement, vae, text_encoder)
        self._vae = vae
        self._text_encoder = text_encoder
        self._tokenizer = tokenizer
        self._schedule = schedule
        self._embeddings: OrderedDict[str, torch.Tensor] = OrderedDict()

    def truncated_tail(self, prompt: str) -> str:
        """Return the end of a prompt beyond the text encoder's 75 tokens; an empty string if nothing is cut off."""
        return truncated_tail(self._tokenizer, prompt)

    @torch.inference_mode()
    def image_to_image(self, request: DenoiseRequest, unet: Unet, controlnets: ControlNets, on_step: OnStep) -> Rgb:
        """Generate the picture: h×w×3 uint8 sRGB. Deterministic on the same machine.

        Raises ``ValueError`` if there is not one scale for each ControlNet, ``FloatingPointError`` if the output is not
        finite, torch's ``OutOfMemoryError``, and whatever ``on_step`` raises.
        """
        if len(request.controlnet_scales) != len(controlnets.controlnets.nets):
            raise ValueError(
                f"{len(request.controlnet_scales)} control scales for {len(controlnets.controlnets.nets)} ControlNets"
            )
        denoiser = ControlNetDenoiser(self._vae, unet.unet, controlnets.controlnets, self._schedule, self.placement)
        guided = request.guidance > 1
        try:
            latents = denoiser.denoise(
                request,
                self._embedding(request.prompt),
                self._embedding(request.negative_prompt) if guided else None,
                on_step,
            )
        finally:
            controlnets.clear_cached_embeddings()
        return decode_to_picture(self, self._vae, latents, self._decode)

    @torch.inference_mode()
    def inpaint(self, request: InpaintDenoiseRequest, unet: Unet, on_step: OnStep) -> Rgb:
        """Generate the canvas with its hole filled: h×w×3 uint8 sRGB. ``unet`` is the inpainting U-Net.

        Deterministic on the same machine. Outside the hole it is only similar to the photo. Raises as
        ``image_to_image`` does.
        """
        latents = InpaintDenoiser(self._vae, unet.unet, self._schedule, self.placement).denoise(
            request,
            self._embedding(request.prompt),
            self._embedding(request.negative_prompt) if request.guidance > 1 else None,
            on_step,
        )
        return decode_to_picture(self, self._vae, latents, self._decode)

    def close(self) -> None:
        """Drop the modules and the cached embeddings."""
        super().close()
        del self._vae, self._text_encoder
        self._embeddings.clear()

    def _embedding(self, text: str) -> torch.Tensor:
        embedding = self._embeddings.pop(text, None)
        if embedding is None:
            tokens = token_ids(self._tokenizer, text).to(self.device)
            (encoded,) = self.finite(lambda: (self._text_encoder(tokens)[0],), self._text_encoder)
            embedding = encoded.to(self.dtype).cpu()
        self._embeddings[text] = embedding
        while len(self._embeddings) > MAX_CACHED_PROMPTS:
            self._embeddings.popitem(last=False)
        return embedding.to(self.device)

    def _decode(self, latents: torch.Tensor) -> torch.Tensor:
        return decode_latents(self._vae, latents)


def load_components(weights: Mapping[str, Weights], placement: Placement) -> StableDiffusion:
    """Load VAE, text encoder, tokenizer and schedule from the role ``diffusion``."""
    model_weights = weights["diffusion"]
    vae = load_pretrained(AutoencoderKL, model_weights, "vae")
    text_encoder = load_pretrained(CLIPTextModel, model_weights, "text_encoder")
    tokenizer = CLIPTokenizer.from_pretrained(model_weights.folder / "tokenizer", local_files_only=True)
    schedule = DPMSolverMultistepScheduler.load_config(model_weights.folder / "scheduler", local_files_only=True)
    return StableDiffusion(placement, vae, text_encoder, tokenizer, schedule)


def load_unet(weights: Mapping[str, Weights], placement: Placement) -> Unet:
    """Load the unmodified U-Net from the role ``diffusion``."""
    return Unet(placement, _unet(weights["diffusion"]))


def load_inpainting_unet(weights: Mapping[str, Weights], placement: Placement) -> Unet:
    """Load the inpainting U-Net from the role ``inpaint_diffusion``; ``STABLE_DIFFUSION`` has the other components."""
    return Unet(placement, _unet(weights["inpaint_diffusion"]))


def load_few_step_unet(weights: Mapping[str, Weights], placement: Placement) -> Unet:
    """Load the U-Net with the LoRA of the role ``few_step`` fused into its weights (LCM-LoRA, Luo et al. 2023).

    A fused LoRA costs nothing per step. It is never unfused, as in fp16 that would not restore the same weights.
    """
    unet = _unet(weights["diffusion"])
    load_lora(unet, weights["few_step"])
    unet.fuse_lora()
    unet.unload_lora()
    return Unet(placement, unet)


def load_controlnets(weights: Mapping[str, Weights], placement: Placement) -> ControlNets:
    """Load the ControlNets of the roles ``control_depth`` and ``control_edges``, in this order."""
    model_weights = (weights["control_depth"], weights["control_edges"])
    return ControlNets(placement, *(load_pretrained(ControlNetModel, each) for each in model_weights))


def _unet(weights: Weights) -> Any:
    return load_pretrained(UNet2DConditionModel, weights, "unet")
