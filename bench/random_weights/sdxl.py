"""Random weights of SDXL and of the U-Net distilled from it, in separate parts like the catalogue.

The configurations are those of the repositories in the catalogue. Tiny ones keep the additions to SD 1.5: two text
encoders side by side, and a U-Net conditioned on the pooled prompt and the picture's size.
"""

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from bench.random_weights import Scale, Writer, published_names
from bench.random_weights.diffusion import SEED, save_network, text_encoder_config, vae_config
from bench.random_weights.perception import write_clip_tokenizer
from pipeline.weights.catalog import Model

SIZES = 6  # size conditioning of the U-Net: the original's size, the crop's corner, the picture's size


def unet_config(scale: Scale) -> dict[str, Any]:
    """Return the configuration of ``UNet2DConditionModel``."""
    full = scale is Scale.FULL
    time_width, pooled = (256, 1280) if full else (8, 32)
    return {
        "in_channels": 4,
        "out_channels": 4,
        "sample_size": 128 if full else 16,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "block_out_channels": (320, 640, 1280) if full else (16, 32, 32),
        "layers_per_block": 2 if full else 1,
        "norm_num_groups": 32 if full else 8,
        "attention_head_dim": (5, 10, 20) if full else (2, 4, 4),
        "transformer_layers_per_block": (1, 2, 10) if full else (1, 1, 2),
        "cross_attention_dim": 2048 if full else 64,
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": time_width,
        "projection_class_embeddings_input_dim": pooled + SIZES * time_width,
    }


def decoder_config(scale: Scale) -> dict[str, Any]:
    """Return the configuration of ``AutoencoderKL``: SD 1.5's, with another scaling factor."""
    return {**vae_config(scale), "scaling_factor": 0.13025, "force_upcast": False}


def second_text_encoder_config(scale: Scale) -> CLIPTextConfig:
    """Return the configuration of ``CLIPTextModelWithProjection``: OpenCLIP's ViT-bigG/14."""
    first = text_encoder_config(scale)
    if scale is Scale.TINY:
        return CLIPTextConfig(**{**first.to_dict(), "hidden_act": "gelu"})
    return CLIPTextConfig(
        **{
            **first.to_dict(),
            "hidden_size": 1280,
            "intermediate_size": 5120,
            "projection_dim": 1280,
            "num_hidden_layers": 32,
            "num_attention_heads": 20,
            "hidden_act": "gelu",
        }
    )


def write_base(folder: Path, model: Model, scale: Scale) -> None:
    """Write text encoders, tokenizers, scheduler, and the U-Net's configuration."""
    first, second = text_encoder_config(scale), second_text_encoder_config(scale)
    renamed = published_names.text_encoder
    save_network(CLIPTextModel, {"config": first}, folder / "text_encoder", model, published=renamed)
    save_network(
        CLIPTextModelWithProjection,
        {"config": second},
        folder / "text_encoder_2",
        model,
        seed=SEED + 1,
        published=renamed,
    )
    for name, padding in (("tokenizer", None), ("tokenizer_2", "!")):
        (folder / name).mkdir()
        write_clip_tokenizer(folder / name, first.vocab_size)
        for file in ("tokenizer_config.json", "special_tokens_map.json"):
            config = json.loads((folder / name / file).read_text("utf-8"))
            config["pad_token"] = padding or config["pad_token"]
            (folder / name / file).write_text(json.dumps(config), "utf-8")
    EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="leading", steps_offset=1
    ).save_pretrained(folder / "scheduler")
    with torch.device("meta"):
        UNet2DConditionModel(**unet_config(scale)).save_config(folder / "unet")
    (folder / "model_index.json").write_text('{"_class_name": "StableDiffusionXLPipeline"}\n', "utf-8")


def write_unet(folder: Path, model: Model, scale: Scale) -> None:
    """Write one file of a U-Net's weights, which differ with the model."""
    torch.manual_seed(sum(model.id.encode()))
    default_dtype = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, model.dtype))
    try:
        unet = UNet2DConditionModel(**unet_config(scale))
    finally:
        torch.set_default_dtype(default_dtype)
    (path,) = model.files
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    save_file(unet.state_dict(), folder / path)


def write_decoder(folder: Path, model: Model, scale: Scale) -> None:
    """Write the VAE alone."""
    save_network(AutoencoderKL, decoder_config(scale), folder, model)


WRITERS: dict[str, Writer] = {
    "picture_base": write_base,
    "picture_unet": write_unet,
    "picture_few_step": write_unet,
    "picture_decoder": write_decoder,
}
