"""Stable Diffusion 1.5 (Rombach et al. 2022) under two ControlNets (Zhang et al. 2023), in parts that move alone."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, DPMSolverMultistepScheduler, UNet2DConditionModel
from diffusers.loaders import StableDiffusionLoraLoaderMixin
from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from pipeline.core.arrays import Rgb
from pipeline.models.denoise_request import DenoiseRequest, InpaintDenoiseRequest, OnStep
from pipeline.models.networks.controlnet_denoising import ControlNetDenoiser
from pipeline.models.networks.inpaint_denoising import InpaintDenoiser
from pipeline.models.networks.pretrained import from_pretrained_options
from pipeline.models.networks.tokenization import token_ids, truncated_tail
from pipeline.models.networks.vae_decoding import decode_latents, decode_to_picture
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import TorchNetwork
from pipeline.weights.store import Weights

PROMPTS = 64  # embeddings that are remembered: 118 kB each
LORA_FILE = "pytorch_lora_weights.safetensors"


class Unet(TorchNetwork):
    """Predicts the noise in a latent picture."""

    def __init__(self, placement: Placement, unet: nn.Module) -> None:
        super().__init__(placement, unet)
        self.unet = unet

    def compile(self) -> None:
        """Have it compiled at its next use: some minutes, and again for every new size."""
        self.unet.compile()

    def close(self) -> None:
        """Forget the modules."""
        super().close()
        del self.unet


class ControlNets(TorchNetwork):
    """Holds the U-Net to a depth and an edge picture."""

    def __init__(self, placement: Placement, *controlnets: Any) -> None:
        for controlnet in controlnets:
            controlnet.controlnet_cond_embedding = _CachedEmbedding(controlnet.controlnet_cond_embedding)
        self.controlnets = MultiControlNetModel(controlnets)
        super().__init__(placement, self.controlnets)

    def compile(self) -> None:
        """Have them compiled at their next use: some minutes, and again for every new size."""
        for controlnet in self.controlnets.nets:
            controlnet.compile()

    def clear_cached_embeddings(self) -> None:
        """Let go of the control pictures of the last painting."""
        for controlnet in self.controlnets.nets:
            controlnet.controlnet_cond_embedding.forget()

    def close(self) -> None:
        """Forget the modules."""
        super().close()
        del self.controlnets


class _CachedEmbedding(nn.Module):
    """Embeds a control picture at its first step; it stays the same for all the others of a painting."""

    def __init__(self, embedding: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding
        self._seen: torch.Tensor | None = None
        self._embedded: torch.Tensor | None = None

    @torch.compiler.disable  # type: ignore[untyped-decorator] # torch
    def forward(self, conditioning: torch.Tensor) -> Any:
        """As the module it stands for. Sees by identity whether it is the same picture again."""
        if self._seen is not conditioning:
            self._seen, self._embedded = conditioning, self.embedding(conditioning)
        return self._embedded

    def clear(self) -> None:
        """Let go of the picture and what was made of it."""
        self._seen = self._embedded = None


class StableDiffusion(TorchNetwork):
    """What is around the U-Net: words in, pixels to latents and back, and the schedule of noise."""

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
        """The end of a prompt that is beyond the 75 tokens that the text encoder reads; empty when it reads all."""
        return truncated_tail(self._tokenizer, prompt)

    @torch.inference_mode()
    def image_to_image(self, order: DenoiseRequest, unet: Unet, controls: ControlNets, on_step: OnStep) -> Rgb:
        """The picture, h×w×3 uint8 sRGB. The same order gives the same picture on the same machine.

        Raises ``ValueError`` when there is not one scale for each ControlNet, ``FloatingPointError`` when the weights
        give no numbers, torch's ``OutOfMemoryError``, and whatever ``on_step`` raises.
        """
        if len(order.controlnet_scales) != len(controls.controlnets.nets):
            raise ValueError(
                f"{len(order.controlnet_scales)} control scales for {len(controls.controlnets.nets)} ControlNets"
            )
        denoiser = ControlNetDenoiser(self._vae, unet.unet, controls.controlnets, self._schedule, self.placement)
        guided = order.guidance > 1
        try:
            latents = denoiser.denoise(
                order,
                self._embedding(order.prompt),
                self._embedding(order.negative_prompt) if guided else None,
                on_step,
            )
        finally:
            controls.clear_cached_embeddings()
        return decode_to_picture(self._vae, latents, self._decode)

    @torch.inference_mode()
    def inpaint(self, order: InpaintDenoiseRequest, unet: Unet, on_step: OnStep) -> Rgb:
        """The canvas with its hole painted, h×w×3 uint8 sRGB; ``unet`` is the one for it.

        The same order gives the same picture. Around the hole it is much like the photo. Raises as ``paint`` does.
        """
        latents = InpaintDenoiser(self._vae, unet.unet, self._schedule, self.placement).denoise(
            order,
            self._embedding(order.prompt),
            self._embedding(order.negative_prompt) if order.guidance > 1 else None,
            on_step,
        )
        return decode_to_picture(self._vae, latents, self._decode)

    def close(self) -> None:
        """Forget the modules."""
        super().close()
        del self._vae, self._text_encoder
        self._embeddings.clear()

    def _embedding(self, text: str) -> torch.Tensor:
        known = self._embeddings.pop(text, None)
        if known is None:
            known = self._text_encoder(token_ids(self._tokenizer, text).to(self.device))[0].cpu()
        self._embeddings[text] = known
        while len(self._embeddings) > PROMPTS:
            self._embeddings.popitem(last=False)
        return known.to(self.device)

    def _decode(self, latents: torch.Tensor) -> torch.Tensor:
        return decode_latents(self._vae, latents)


def load_components(weights: Mapping[str, Weights], placement: Placement) -> StableDiffusion:
    """VAE, text encoder, tokenizer and schedule, from the role ``diffusion``."""
    given = weights["diffusion"]
    vae = AutoencoderKL.from_pretrained(given.folder, subfolder="vae", **from_pretrained_options(given))
    text_encoder = CLIPTextModel.from_pretrained(
        given.folder, subfolder="text_encoder", **from_pretrained_options(given)
    )
    tokenizer = CLIPTokenizer.from_pretrained(given.folder / "tokenizer", local_files_only=True)
    schedule = DPMSolverMultistepScheduler.load_config(given.folder / "scheduler", local_files_only=True)
    return StableDiffusion(placement, vae, text_encoder, tokenizer, schedule)


def load_unet(weights: Mapping[str, Weights], placement: Placement) -> Unet:
    """The U-Net as it is, from the role ``diffusion``."""
    return Unet(placement, _unet(weights["diffusion"]))


def load_inpainting_unet(weights: Mapping[str, Weights], placement: Placement) -> Unet:
    """The U-Net that also sees the photo around a hole, from the role ``inpaint_diffusion``; the rest is
    ``STABLE_DIFFUSION``'s."""
    return Unet(placement, _unet(weights["inpaint_diffusion"]))


def load_few_step_unet(weights: Mapping[str, Weights], placement: Placement) -> Unet:
    """The U-Net with the LoRA of the role ``few_step`` (LCM-LoRA, Luo et al. 2023) added to its weights for good.

    Fused once, it costs nothing at any step, and nothing ever takes it out again, which would not give back the same
    weights in fp16.
    """
    unet, lora = _unet(weights["diffusion"]), weights["few_step"]
    state, alphas = StableDiffusionLoraLoaderMixin.lora_state_dict(
        lora.folder, weight_name=LORA_FILE, local_files_only=True, use_safetensors=True
    )
    unet.load_lora_adapter(state, prefix="unet", network_alphas=alphas)
    unet.fuse_lora()
    unet.unload_lora()
    return Unet(placement, unet)


def load_controlnets(weights: Mapping[str, Weights], placement: Placement) -> ControlNets:
    """The ControlNets of the roles ``control_depth`` and ``control_edges``, in this order."""
    given = (weights["control_depth"], weights["control_edges"])
    return ControlNets(
        placement, *(ControlNetModel.from_pretrained(each.folder, **from_pretrained_options(each)) for each in given)
    )


def _unet(weights: Weights) -> Any:
    return UNet2DConditionModel.from_pretrained(weights.folder, subfolder="unet", **from_pretrained_options(weights))
