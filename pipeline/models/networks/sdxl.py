"""SDXL (Podell et al. 2023) and SDXL-Lightning (Lin et al. 2024), as separate networks."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from pipeline.core.arrays import Rgb
from pipeline.models.denoise_request import OnStep
from pipeline.models.networks.latent_rgb import SDXL_RGB_FACTORS, latents_to_rgb
from pipeline.models.networks.launch_throttle import LaunchThrottle
from pipeline.models.networks.load_errors import check_state, refuse
from pipeline.models.networks.pretrained import load_pretrained
from pipeline.models.networks.schedulers import Dpm, Euler
from pipeline.models.networks.tokenization import token_ids, truncated_tail
from pipeline.models.networks.vae_decoding import decode_latents, decode_to_picture
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import TorchNetwork
from pipeline.models.text_to_image_request import TextToImageRequest
from pipeline.weights.store import Weights

MAX_CACHED_PROMPTS = 32  # cached prompt embeddings, 0.3 MB each in half precision


@dataclass(frozen=True)
class PromptEmbeddings:
    """Embeddings of a text, on the CPU: ``prompt_embeds`` 1×77×d per token, ``pooled_prompt_embeds`` 1×e."""

    prompt_embeds: torch.Tensor
    pooled_prompt_embeds: torch.Tensor


class SdxlTextEncoders(TorchNetwork):
    """Both text encoders of SDXL, whose embeddings are concatenated."""

    def __init__(
        self, placement: Placement, encoders: tuple[nn.Module, nn.Module], tokenizers: tuple[Any, Any]
    ) -> None:
        super().__init__(placement, *encoders)
        self._encoders = encoders
        self._tokenizers = tokenizers
        self._cache: OrderedDict[str, PromptEmbeddings] = OrderedDict()

    def truncated_tail(self, text: str) -> str:
        """Return the end of a text beyond the text encoders' 75 tokens; an empty string if nothing is cut off."""
        return truncated_tail(self._tokenizers[0], text)

    @torch.inference_mode()
    def encode(self, text: str) -> PromptEmbeddings:
        """Encode a text for the U-Nets. The most recent texts are cached.

        Raises ``FloatingPointError`` if an embedding is not finite.
        """
        embeddings = self._cache.pop(text, None)
        if embeddings is None:
            embeddings = self._encoded(text)
        self._cache[text] = embeddings
        while len(self._cache) > MAX_CACHED_PROMPTS:
            self._cache.popitem(last=False)
        return embeddings

    def close(self) -> None:
        """Drop the modules and the cached embeddings."""
        super().close()
        self._encoders = ()  # type: ignore[assignment] # it is not used again
        self._cache.clear()

    def _encoded(self, text: str) -> PromptEmbeddings:
        tokens, pooled = self.finite(lambda: self._outputs(text))
        return PromptEmbeddings(tokens.to(self.dtype).cpu(), pooled.to(self.dtype).cpu())

    def _outputs(self, text: str) -> tuple[torch.Tensor, torch.Tensor]:
        outputs = []
        for encoder, tokenizer in zip(self._encoders, self._tokenizers, strict=True):
            outputs.append(encoder(token_ids(tokenizer, text).to(self.device), output_hidden_states=True))
        # SDXL was trained on the penultimate layer of each encoder, and on the second one's projection.
        tokens = torch.cat([output.hidden_states[-2] for output in outputs], dim=-1)
        return tokens, outputs[1].text_embeds


class SdxlUnet(TorchNetwork):
    """U-Net of SDXL: denoises latents by a prompt. A new ``scheduler`` is created from ``schedule`` per picture."""

    def __init__(self, placement: Placement, unet: nn.Module, scheduler: type[Dpm | Euler], schedule: Any) -> None:
        super().__init__(placement, unet)
        self.unet = unet
        self._scheduler = scheduler
        self._schedule = schedule

    @torch.inference_mode()
    def denoise(
        self, request: TextToImageRequest, prompt: PromptEmbeddings, negative: PromptEmbeddings | None, on_step: OnStep
    ) -> torch.Tensor:
        """Denoise the request to latents for ``SdxlVaeDecoder``: 1×4×h/8×w/8. Deterministic on the same machine.

        ``negative`` is the negative prompt; None means zeros, as in SDXL's training. Raises torch's
        ``OutOfMemoryError``, and whatever ``on_step`` raises.
        """
        canvas = request.canvas
        # On the CPU, so that a seed gives the same noise on any device.
        generator = torch.Generator().manual_seed(request.seed)
        noise = torch.randn((1, 4, canvas.height // 8, canvas.width // 8), generator=generator)
        scheduler = self._scheduler.from_config(self._schedule)
        throttle = LaunchThrottle(self.device)

        def after_step(_pipeline: Any, index: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            throttle.step_launched()
            on_step(index + 1, request.steps, lambda: latents_to_rgb(scheduler.pred_original_sample, SDXL_RGB_FACTORS))
            return tensors

        guided = request.guidance > 1
        negative_embeddings = (negative or _empty_embeddings(prompt)) if guided else None
        # Conditioned on the trained size of the aspect, as SDXL learnt that small sizes mean poor pictures.
        trained = canvas.trained[::-1]
        latents: torch.Tensor = self._pipeline(scheduler)(
            height=canvas.height,
            width=canvas.width,
            original_size=trained,
            target_size=trained,
            latents=noise.to(self.device, self.dtype),
            prompt_embeds=self._to_device(prompt.prompt_embeds),
            pooled_prompt_embeds=self._to_device(prompt.pooled_prompt_embeds),
            negative_prompt_embeds=None
            if negative_embeddings is None
            else self._to_device(negative_embeddings.prompt_embeds),
            negative_pooled_prompt_embeds=None
            if negative_embeddings is None
            else self._to_device(negative_embeddings.pooled_prompt_embeds),
            guidance_scale=request.guidance if guided else 0.0,
            num_inference_steps=request.steps,
            callback_on_step_end=after_step,
            output_type="latent",
            return_dict=False,
        )[0]
        return latents

    def close(self) -> None:
        """Drop the module."""
        super().close()
        del self.unet

    def _to_device(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self.device, self.dtype)

    def _pipeline(self, scheduler: Any) -> Any:
        pipeline: Any = StableDiffusionXLPipeline(
            vae=None,
            text_encoder=None,
            text_encoder_2=None,
            tokenizer=None,
            tokenizer_2=None,
            unet=self.unet,
            scheduler=scheduler,
            add_watermarker=False,
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline


class SdxlVaeDecoder(TorchNetwork):
    """VAE decoder of SDXL: decodes latents to pixels."""

    def __init__(self, placement: Placement, vae: nn.Module) -> None:
        super().__init__(placement, vae)
        self._vae = vae

    @torch.inference_mode()
    def decode(self, latents: torch.Tensor) -> Rgb:
        """Decode 1×4×h/8×w/8 latents to h×w×3 uint8 sRGB.

        Raises ``FloatingPointError`` if the output is not finite, and torch's ``OutOfMemoryError``.
        """
        return decode_to_picture(self, self._vae, latents, lambda scaled: decode_latents(self._vae, scaled))

    def close(self) -> None:
        """Drop the module."""
        super().close()
        del self._vae


def load_text_encoders(weights: Mapping[str, Weights], placement: Placement) -> SdxlTextEncoders:
    """Load both text encoders and tokenizers from the role ``picture_base``."""
    model_weights = weights["picture_base"]
    encoders = tuple(
        load_pretrained(kind, model_weights, folder)
        for kind, folder in ((CLIPTextModel, "text_encoder"), (CLIPTextModelWithProjection, "text_encoder_2"))
    )
    tokenizers = tuple(
        CLIPTokenizer.from_pretrained(model_weights.folder / folder, local_files_only=True)
        for folder in ("tokenizer", "tokenizer_2")
    )
    return SdxlTextEncoders(placement, (encoders[0], encoders[1]), (tokenizers[0], tokenizers[1]))


def load_unet(weights: Mapping[str, Weights], placement: Placement) -> SdxlUnet:
    """Load SDXL's own U-Net from the role ``picture_unet``, with DPM-Solver++ and the noise levels of Karras et al.

    These levels keep second-order steps stable to the end; the default ones leave some noise in SDXL's pictures.
    """
    schedule = {**_schedule(weights), "use_karras_sigmas": True}
    return SdxlUnet(placement, _unet(weights, "picture_unet"), Dpm, schedule)


def load_few_step_unet(weights: Mapping[str, Weights], placement: Placement) -> SdxlUnet:
    """Load the U-Net distilled to four steps from the role ``picture_few_step``.

    The schedule starts at the last timestep (pure noise), as the model card requires.
    """
    schedule = {**_schedule(weights), "timestep_spacing": "trailing"}
    return SdxlUnet(placement, _unet(weights, "picture_few_step"), Euler, schedule)


def load_vae_decoder(weights: Mapping[str, Weights], placement: Placement) -> SdxlVaeDecoder:
    """Load the VAE from the role ``picture_decoder``, without its unused encoder."""
    model_weights = weights["picture_decoder"]
    vae = load_pretrained(AutoencoderKL, model_weights)
    vae.encoder = vae.quant_conv = None
    return SdxlVaeDecoder(placement, vae)


def _unet(weights: Mapping[str, Weights], role: str) -> Any:
    """Load a U-Net with the configuration of the role ``picture_base`` and the one weight file of ``role``."""
    model_weights = weights[role]
    (file,) = model_weights.model.files
    config = UNet2DConditionModel.load_config(weights["picture_base"].folder / "unet", local_files_only=True)
    # On the meta device, as random initialisation would take a minute, only to be overwritten.
    with torch.device("meta"):
        unet: Any = UNet2DConditionModel.from_config(config)
    with refuse(model_weights, file, "it is no file of safetensors", SafetensorError):
        state = load_file(model_weights.folder / file)
    check_state(model_weights, file, unet, state)
    unet.load_state_dict(state, assign=True)
    return unet


def _schedule(weights: Mapping[str, Weights]) -> dict[str, Any]:
    folder = weights["picture_base"].folder / "scheduler"
    return dict(EulerDiscreteScheduler.load_config(folder, local_files_only=True))


def _empty_embeddings(prompt: PromptEmbeddings) -> PromptEmbeddings:
    return PromptEmbeddings(torch.zeros_like(prompt.prompt_embeds), torch.zeros_like(prompt.pooled_prompt_embeds))
