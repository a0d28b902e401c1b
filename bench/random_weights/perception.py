"""Random weights of the perception networks: image-text, depth and segmentation."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPTokenizer,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    Dinov2Config,
    DPTConfig,
    DPTForDepthEstimation,
    Sam2ImageProcessor,
    Sam2Processor,
    Sam2VideoConfig,
    Sam2VideoModel,
)

from bench.random_weights import Scale, Writer, published_names
from bench.random_weights.detectors import write_detector
from pipeline.weights.catalog import Model

# Standard deviation of the weights of tiny transformers: with the usual 0.02, activations vanish in their few layers.
WEIGHT_STD = 0.2
START, END = "<|startoftext|>", "<|endoftext|>"


def write_clip_tokenizer(folder: Path, size: int) -> None:
    """Write CLIP's tokenizer files with ``size`` words (514 or more): bytes, word-final bytes, pairs, specials."""
    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(f"{letter}</w>" for letter in letters)]
    pairs = [(first, second) for first in letters for second in words][: size - len(words) - 2]
    tokens = [*words, *(first + second for first, second in pairs), START, END]
    _write_json(folder / "vocab.json", {token: number for number, token in enumerate(tokens)})
    merges = "\n".join(["#version: 0.2", *(f"{first} {second}" for first, second in pairs)])
    (folder / "merges.txt").write_text(f"{merges}\n", "utf-8")
    special = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}
    _write_json(folder / "special_tokens_map.json", special)
    _write_json(
        folder / "tokenizer_config.json",
        {**special, "model_max_length": 77, "do_lower_case": True, "tokenizer_class": "CLIPTokenizer"},
    )


def _write_segmenter(folder: Path, model: Model, scale: Scale) -> None:
    torch.manual_seed(0)
    side = 1024
    config = Sam2VideoConfig()
    if scale is Scale.TINY:
        side, width = 64, 32
        backbone = {
            "model_type": "sam2_hiera_det_model",
            "hidden_size": 8,
            "image_size": [side, side],
            "blocks_per_stage": [1, 1, 2, 1],
            "embed_dim_per_stage": [8, 16, 32, 64],
            "num_attention_heads_per_stage": [1, 1, 2, 2],
            "window_size_per_stage": [4, 4, 2, 2],
            "global_attention_blocks": [3],
            "window_positional_embedding_background_size": [4, 4],
        }
        config = Sam2VideoConfig(
            initializer_range=WEIGHT_STD,
            vision_config={
                "model_type": "sam2_vision_model",
                "backbone_config": backbone,
                "backbone_channel_list": [64, 32, 16, 8],
                "backbone_feature_sizes": [[side // 4] * 2, [side // 8] * 2, [side // 16] * 2],
                "fpn_hidden_size": width,
                "initializer_range": WEIGHT_STD,
            },
            prompt_encoder_config={"hidden_size": width, "image_size": side, "mask_input_channels": 4},
            mask_decoder_config={
                "hidden_size": width,
                "mlp_dim": width,
                "num_attention_heads": 2,
                "iou_head_hidden_dim": width,
            },
            image_size=side,
            memory_attention_hidden_size=width,
            memory_attention_num_layers=1,
            memory_attention_feed_forward_hidden_size=width,
            memory_attention_rope_feat_sizes=[side // 16, side // 16],
            memory_encoder_hidden_size=width,
            memory_encoder_output_channels=8,
            mask_downsampler_embed_dim=width,
            memory_fuser_embed_dim=width,
            memory_fuser_intermediate_dim=width,
            memory_fuser_num_layers=1,
        )
    # The published folder holds the video model, whose weights include the image model's.
    _save(Sam2VideoModel(config), model, folder)
    processor = Sam2ImageProcessor(size={"height": side, "width": side})
    Sam2Processor(processor).save_pretrained(folder)
    processor.save_pretrained(folder)


def clip_config(scale: Scale) -> CLIPConfig:
    """Return the configuration of ``CLIPModel``."""
    vocabulary, side = (514, 32) if scale is Scale.TINY else (49408, 224)
    text: dict[str, Any] = {
        "vocab_size": vocabulary,
        "bos_token_id": vocabulary - 2,
        "eos_token_id": vocabulary - 1,
        "pad_token_id": vocabulary - 1,
    }
    vision: dict[str, Any] = {"image_size": side, "patch_size": 32}
    if scale is Scale.TINY:
        small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
        text, vision = text | small, vision | small | {"patch_size": 8}
    return CLIPConfig(text_config=text, vision_config=vision, projection_dim=16 if scale is Scale.TINY else 512)


def _write_image_text(folder: Path, model: Model, scale: Scale) -> None:
    torch.manual_seed(0)
    config = clip_config(scale)
    vocabulary, side = config.text_config.vocab_size, config.vision_config.image_size
    _save(CLIPModel(config), model, folder)
    published_names.rewrite(folder / "model.safetensors", published_names.clip)
    write_clip_tokenizer(folder, vocabulary)
    CLIPTokenizer.from_pretrained(folder, local_files_only=True).save_pretrained(folder)
    write_clip_tokenizer(folder, vocabulary)  # after saving, which writes tokenizer.json and a configuration of its own
    _write_json(folder / "preprocessor_config.json", _clip_preprocessing(side))


def _clip_preprocessing(side: int) -> dict[str, Any]:
    """Return the repository's preprocessing configuration, older than the names of image processors."""
    return {
        "crop_size": side,
        "do_center_crop": True,
        "do_normalize": True,
        "do_resize": True,
        "feature_extractor_type": "CLIPFeatureExtractor",
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        "resample": 3,
        "size": side,
    }


def _write_depth(folder: Path, model: Model, scale: Scale) -> None:
    torch.manual_seed(0)
    if model.id == "dpt-large":
        network, preprocessing = dpt(scale)
    else:
        network, preprocessing = depth_anything(scale)
    _save(network, model, folder)
    if model.id == "dpt-large":
        published_names.rewrite(folder / "model.safetensors", published_names.dpt)
    _write_json(folder / "preprocessor_config.json", preprocessing)


def depth_anything(scale: Scale) -> tuple[Any, dict[str, Any]]:
    """Build Depth Anything V2 Small, and its processor's configuration."""
    side = 56 if scale is Scale.TINY else 518
    backbone: dict[str, Any] = {"hidden_size": 384, "num_attention_heads": 6, "out_indices": [3, 6, 9, 12]}
    neck: dict[str, Any] = {}
    if scale is Scale.TINY:
        backbone = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 4, "out_indices": [1, 2, 3, 4]}
        neck = {"neck_hidden_sizes": [8, 8, 8, 8], "fusion_hidden_size": 8, "head_hidden_size": 8}
        neck |= {"reassemble_hidden_size": 16, "initializer_range": WEIGHT_STD}
    config = DepthAnythingConfig(
        backbone_config=Dinov2Config(
            image_size=side, patch_size=14, reshape_hidden_states=False, apply_layernorm=True, **backbone
        ),
        **neck,
    )
    preprocessing = {
        "do_normalize": True,
        "do_pad": False,
        "do_rescale": True,
        "do_resize": True,
        "ensure_multiple_of": 14,
        "image_mean": [0.485, 0.456, 0.406],
        "image_processor_type": "DPTImageProcessor",
        "image_std": [0.229, 0.224, 0.225],
        "keep_aspect_ratio": True,
        "resample": 3,
        "rescale_factor": 1 / 255,
        "size": {"height": side, "width": side},
    }
    return DepthAnythingForDepthEstimation(config), preprocessing


def dpt(scale: Scale) -> tuple[Any, dict[str, Any]]:
    """Build DPT-Large, and its processor's configuration."""
    side = 64 if scale is Scale.TINY else 384
    sizes: dict[str, Any] = {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "backbone_out_indices": [5, 11, 17, 23],
        "neck_hidden_sizes": [256, 512, 1024, 1024],
    }
    if scale is Scale.TINY:
        sizes = {
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 4,
            "num_attention_heads": 2,
            "backbone_out_indices": [0, 1, 2, 3],
            "neck_hidden_sizes": [8, 8, 8, 8],
            "fusion_hidden_size": 8,
            "initializer_range": WEIGHT_STD,
        }
    # As old a format as CLIP's.
    preprocessing = {
        "do_normalize": True,
        "do_resize": True,
        "ensure_multiple_of": 1,
        "feature_extractor_type": "DPTFeatureExtractor",
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "keep_aspect_ratio": False,
        "resample": 3,
        "size": side,
    }
    return DPTForDepthEstimation(DPTConfig(image_size=side, **sizes)), preprocessing


def _save(network: Any, model: Model, folder: Path) -> None:
    network.to(getattr(torch, model.dtype)).save_pretrained(folder)


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False), "utf-8")


WRITERS: dict[str, Writer] = {
    "detector": write_detector,
    "segmenter": _write_segmenter,
    "image_text": _write_image_text,
    "depth": _write_depth,
}
