"""Random weights of the networks that look at a photo."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import yaml
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPTokenizer,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    Dinov2Config,
    DPTConfig,
    DPTForDepthEstimation,
    RTDetrConfig,
    RTDetrForObjectDetection,
    RTDetrImageProcessor,
    RTDetrResNetConfig,
    Sam2ImageProcessor,
    Sam2Processor,
    Sam2VideoConfig,
    Sam2VideoModel,
)

from bench.weights import Scale, Writer
from pipeline.catalog import Model
from pipeline.models.networks.yolo import ultralytics
from pipeline.objects import OBJECTS

# What random detectors are made to see, so that segmenting and keeping have something to do.
SEEN = ("couch", "potted plant", "person")
# The sigmoid of these is the score of what is seen and of what is not.
SEEN_LOGIT, UNSEEN_LOGIT = 0.5, -9.0
START, END = "<|startoftext|>", "<|endoftext|>"


def write_clip_tokenizer(folder: Path, size: int) -> None:
    """CLIP's tokenizer files with a vocabulary of ``size`` (514 or more): bytes, bytes that end a word, pairs, specials."""
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


def _write_detector(folder: Path, model: Model, scale: Scale) -> None:
    writer = _write_yolo if model.layout == "ultralytics" else _write_rt_detr
    writer(folder, model, scale)


def _write_yolo(folder: Path, model: Model, scale: Scale) -> None:
    torch.manual_seed(0)
    parts = ultralytics()
    package = Path(str(import_module("ultralytics").__file__)).parent
    architecture = yaml.safe_load((package / "cfg/models/11/yolo11.yaml").read_text("utf-8"))
    architecture["scale"] = "n"
    if scale is Scale.TINY:
        architecture["scales"] = {"n": [0.25, 0.0625, 128]}  # depth and width multiples, most channels
    network = parts.DetectionModel(architecture, ch=3, nc=len(OBJECTS), verbose=False)
    network.names = dict(enumerate(OBJECTS))
    network.args = {"task": "detect", "imgsz": 640}
    head = network.model[-1]
    for level, branch in enumerate(head.cv3):
        # One size of things: what all levels see at once is hundreds of boxes.
        _bias_towards_seen(branch[-1], nothing=level < len(head.cv3) - 1)
    file = folder / next(path for path in model.files if path.endswith(".pt"))
    checkpoint = {
        "epoch": -1,
        "best_fitness": None,
        "model": network.half(),
        "ema": None,
        "updates": None,
        "optimizer": None,
        "train_args": {"task": "detect", "imgsz": 640},
        "train_metrics": {},
        "train_results": {},
        "date": "2024-01-01T00:00:00",
        "version": "8.3.0",
        "license": "AGPL-3.0 License (https://ultralytics.com/license)",
        "docs": "https://docs.ultralytics.com",
    }
    torch.save(checkpoint, file)


def _write_rt_detr(folder: Path, model: Model, scale: Scale) -> None:
    torch.manual_seed(0)
    named = {"id2label": dict(enumerate(OBJECTS)), "label2id": {name: i for i, name in enumerate(OBJECTS)}}
    if scale is Scale.TINY:
        backbone = RTDetrResNetConfig(
            embedding_size=8,
            hidden_sizes=[8, 8, 16, 16],
            depths=[1, 1, 1, 1],
            layer_type="basic",
            out_features=["stage2", "stage3", "stage4"],
        )
        sizes: dict[str, Any] = {
            "encoder_in_channels": [8, 16, 16],
            "encoder_hidden_dim": 16,
            "encoder_ffn_dim": 16,
            "encoder_attention_heads": 2,
            "d_model": 16,
            "decoder_in_channels": [16, 16, 16],
            "decoder_ffn_dim": 16,
            "decoder_attention_heads": 2,
            "decoder_layers": 2,
            "num_queries": 12,
        }
    else:
        backbone = RTDetrResNetConfig(
            hidden_sizes=[64, 128, 256, 512],
            depths=[2, 2, 2, 2],
            layer_type="basic",
            out_features=["stage2", "stage3", "stage4"],
        )
        sizes = {"encoder_in_channels": [128, 256, 512], "hidden_expansion": 0.5, "decoder_layers": 3}
    network = RTDetrForObjectDetection(RTDetrConfig(backbone_config=backbone, **sizes, **named))
    for head in network.model.decoder.class_embed:
        _bias_towards_seen(head)
    _save(network, model, folder)
    side = 128 if scale is Scale.TINY else 640
    RTDetrImageProcessor(size={"height": side, "width": side}, do_normalize=False).save_pretrained(folder)


def _bias_towards_seen(head: Any, *, nothing: bool = False) -> None:
    with torch.no_grad():
        head.bias.fill_(UNSEEN_LOGIT)
        if not nothing:
            head.bias[[OBJECTS.index(name) for name in SEEN]] = SEEN_LOGIT


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
            "blocks_per_stage": [1, 1, 1, 1],
            "embed_dim_per_stage": [8, 16, 32, 64],
            "num_attention_heads_per_stage": [1, 1, 2, 2],
            "window_size_per_stage": [4, 2, 2, 1],
            "global_attention_blocks": [2],
            "window_positional_embedding_background_size": [4, 4],
        }
        config = Sam2VideoConfig(
            vision_config={
                "model_type": "sam2_vision_model",
                "backbone_config": backbone,
                "backbone_channel_list": [64, 32, 16, 8],
                "backbone_feature_sizes": [[side // 4] * 2, [side // 8] * 2, [side // 16] * 2],
                "fpn_hidden_size": width,
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
    # The published folder is the video model's, which has all of the image model's weights.
    _save(Sam2VideoModel(config), model, folder)
    processor = Sam2ImageProcessor(size={"height": side, "width": side})
    Sam2Processor(processor).save_pretrained(folder)
    processor.save_pretrained(folder)


def _write_image_text(folder: Path, model: Model, scale: Scale) -> None:
    torch.manual_seed(0)
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
    config = CLIPConfig(
        text_config=text, vision_config=vision, projection_dim=16 if scale is Scale.TINY else 512
    )
    _save(CLIPModel(config), model, folder)
    write_clip_tokenizer(folder, vocabulary)
    CLIPTokenizer.from_pretrained(folder, local_files_only=True).save_pretrained(folder)
    write_clip_tokenizer(folder, vocabulary)  # saving leaves tokenizer.json and a configuration of its own
    CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side}).save_pretrained(folder)


def _write_depth(folder: Path, model: Model, scale: Scale) -> None:
    torch.manual_seed(0)
    if model.id == "dpt-large":
        network, preprocessing = _dpt(scale)
    else:
        network, preprocessing = _depth_anything(scale)
    _save(network, model, folder)
    _write_json(folder / "preprocessor_config.json", preprocessing)


def _depth_anything(scale: Scale) -> tuple[Any, dict[str, Any]]:
    side = 56 if scale is Scale.TINY else 518
    backbone: dict[str, Any] = {"hidden_size": 384, "num_attention_heads": 6, "out_indices": [3, 6, 9, 12]}
    neck: dict[str, Any] = {}
    if scale is Scale.TINY:
        backbone = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 4, "out_indices": [1, 2, 3, 4]}
        neck = {"neck_hidden_sizes": [8, 8, 8, 8], "fusion_hidden_size": 8, "head_hidden_size": 8}
        neck["reassemble_hidden_size"] = 16
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


def _dpt(scale: Scale) -> tuple[Any, dict[str, Any]]:
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
        }
    # As the repository has it, from before image processors had their name.
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
    "detector": _write_detector,
    "segmenter": _write_segmenter,
    "image_text": _write_image_text,
    "depth": _write_depth,
}
