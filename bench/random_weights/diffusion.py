"""Random weights of the diffusion networks: SD 1.5, its ControlNets, the few-step LoRA, the safety checker.

The configurations are those of the repositories in the catalogue. Tiny ones keep four levels in the VAE, because
ControlNet's conditioning always shrinks by 8.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, PNDMScheduler, UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPConfig, CLIPImageProcessor, CLIPTextConfig, CLIPTextModel

from bench.random_weights import Scale, Writer, published_names
from bench.random_weights.perception import write_clip_tokenizer
from pipeline.weights.catalog import Model

SEED = 15
TINY_WORDS = 1000  # the tiny tokenizer's vocabulary
# Suffixes of the layers that LCM-LoRA adapts, as in its training script (Luo et al., 2023).
LORA_LAYERS = (
    *("to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"),
    *("conv1", "conv2", "conv_shortcut", "downsamplers.0.conv", "upsamplers.0.conv", "time_emb_proj"),
)


def unet_config(scale: Scale) -> dict[str, Any]:
    """Return the configuration of ``UNet2DConditionModel``."""
    if scale is Scale.FULL:
        return {**_unet_blocks(3), "sample_size": 64, "block_out_channels": (320, 640, 1280, 1280)}
    return {**_unet_blocks(1), "sample_size": 8, **_TINY_UNET}


def controlnet_config(scale: Scale) -> dict[str, Any]:
    """Return the configuration of ``ControlNetModel``."""
    wide = unet_config(scale)
    config = {key: wide[key] for key in wide if key not in {"sample_size", "out_channels", "up_block_types"}}
    channels = (16, 32, 96, 256) if scale is Scale.FULL else (8, 8, 8, 8)
    return {**config, "conditioning_embedding_out_channels": channels}


def vae_config(scale: Scale) -> dict[str, Any]:
    """Return the configuration of ``AutoencoderKL``."""
    full = scale is Scale.FULL
    return {
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": 4,
        "scaling_factor": 0.18215,
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "block_out_channels": (128, 256, 512, 512) if full else (8, 8, 16, 16),
        "layers_per_block": 2 if full else 1,
        "norm_num_groups": 32 if full else 4,
        "sample_size": 512 if full else 64,
    }


def text_encoder_config(scale: Scale) -> CLIPTextConfig:
    """Return the configuration of ``CLIPTextModel``."""
    full = scale is Scale.FULL
    return CLIPTextConfig(
        vocab_size=49408 if full else TINY_WORDS,
        hidden_size=768 if full else 32,
        intermediate_size=3072 if full else 64,
        projection_dim=768 if full else 32,
        num_hidden_layers=12 if full else 2,
        num_attention_heads=12 if full else 2,
        max_position_embeddings=77,
        hidden_act="quick_gelu",
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=1,
    )


def safety_config(scale: Scale) -> CLIPConfig:
    """Return the configuration of ``StableDiffusionSafetyChecker``."""
    full = scale is Scale.FULL
    vision = {
        "hidden_size": 1024 if full else 32,
        "intermediate_size": 4096 if full else 64,
        "num_hidden_layers": 24 if full else 2,
        "num_attention_heads": 16 if full else 2,
        "patch_size": 14,
        "image_size": 224,
        "projection_dim": 768 if full else 32,
    }
    return CLIPConfig(vision_config=vision, projection_dim=768 if full else 32)


_TINY_UNET: dict[str, Any] = {
    "block_out_channels": (32, 64),
    "layers_per_block": 1,
    "cross_attention_dim": 32,
    "attention_head_dim": 4,
    "norm_num_groups": 8,
}


def _unet_blocks(levels: int) -> dict[str, Any]:
    """Return the block types of a U-Net with ``levels`` attention levels and one without."""
    return {
        "in_channels": 4,
        "out_channels": 4,
        "layers_per_block": 2,
        "cross_attention_dim": 768,
        "attention_head_dim": 8,
        "norm_num_groups": 32,
        "down_block_types": (*("CrossAttnDownBlock2D",) * levels, "DownBlock2D"),
        "up_block_types": ("UpBlock2D", *("CrossAttnUpBlock2D",) * levels),
    }


def write_diffusion(folder: Path, model: Model, scale: Scale) -> None:
    """Write SD 1.5: U-Net, VAE, text encoder, tokenizer, scheduler."""
    save_network(UNet2DConditionModel, unet_config(scale), folder / "unet", model)
    save_network(AutoencoderKL, vae_config(scale), folder / "vae", model, published=published_names.vae)
    save_network(
        CLIPTextModel,
        {"config": text_encoder_config(scale)},
        folder / "text_encoder",
        model,
        published=published_names.text_encoder,
    )
    (folder / "tokenizer").mkdir()
    write_clip_tokenizer(folder / "tokenizer", text_encoder_config(scale).vocab_size)
    scheduler = PNDMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True, steps_offset=1
    )
    scheduler.save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}\n', "utf-8")


def write_controlnet(folder: Path, model: Model, scale: Scale) -> None:
    """Write a ControlNet whose zero convolutions and the layers before them are filled, so its input has an effect."""
    save_network(ControlNetModel, controlnet_config(scale), folder, model, seed=sum(model.id.encode()), responsive=True)


def write_few_step(folder: Path, model: Model, scale: Scale) -> None:
    """Write LCM-LoRA of rank 64 (tiny: 4) with its repository's kohya keys, as a single file."""
    rank = 64 if scale is Scale.FULL else 4
    with torch.device("meta"):
        unet = UNet2DConditionModel(**unet_config(scale))
    generator = torch.Generator().manual_seed(SEED)
    tensors = {}
    for name, module in unet.named_modules():
        if not name.endswith(LORA_LAYERS) or not isinstance(module, nn.Linear | nn.Conv2d):
            continue
        out, into, *kernel = module.weight.shape
        key = f"lora_unet_{name.replace('.', '_')}"
        tensors[f"{key}.lora_down.weight"] = torch.randn(rank, into, *kernel, generator=generator) / into**0.5
        tensors[f"{key}.lora_up.weight"] = torch.randn(out, rank, *[1 for _ in kernel], generator=generator) * 0.02
        tensors[f"{key}.alpha"] = torch.tensor(float(rank))
    dtype = getattr(torch, model.dtype)
    save_file({key: tensor.to(dtype) for key, tensor in tensors.items()}, folder / "pytorch_lora_weights.safetensors")


def write_safety(folder: Path, model: Model, scale: Scale) -> None:
    """Write the safety checker and its preprocessing. Its thresholds exceed every cosine, so that nothing is unsafe."""
    config = {"config": safety_config(scale)}
    save_network(
        StableDiffusionSafetyChecker,
        config,
        folder / "safety_checker",
        model,
        never_unsafe=True,
        published=published_names.safety_checker,
    )
    CLIPImageProcessor().save_pretrained(folder / "feature_extractor")


def save_network(
    kind: Any,
    config: dict[str, Any],
    folder: Path,
    model: Model,
    *,
    seed: int = SEED,
    responsive: bool = False,
    never_unsafe: bool = False,
    published: Callable[[published_names.Tensors], published_names.Tensors] | None = None,
) -> None:
    """Save a random network.

    ``responsive``: weights that preserve a control picture's variance; ``never_unsafe``: thresholds that no cosine
    reaches; ``published`` renames the tensors as the published file has them.
    """
    torch.manual_seed(seed)
    dtype = getattr(torch, model.dtype)
    default_dtype = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        network = kind(**config)
    finally:
        torch.set_default_dtype(default_dtype)
    for name, parameter in network.named_parameters():
        is_control_input = name.startswith("controlnet_cond_embedding") or not parameter.any()
        if responsive and is_control_input and name.endswith(".weight"):
            # He et al. 2015, and a little more for SiLU.
            nn.init.normal_(parameter.data, std=2 / parameter[0].numel() ** 0.5)
        if never_unsafe and name.endswith("_embeds_weights"):
            parameter.data.fill_(2.0)
    network.save_pretrained(folder, variant=model.variant)
    if published is not None:
        (file,) = folder.glob("*.safetensors")
        published_names.rewrite(file, published)


WRITERS: dict[str, Writer] = {
    "diffusion": write_diffusion,
    "control_depth": write_controlnet,
    "control_edges": write_controlnet,
    "few_step": write_few_step,
    "safety": write_safety,
}
