"""Random weights of the detectors."""

from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrImageProcessor, RTDetrResNetConfig

from bench.random_weights import Scale
from darkroom.contract.coco_objects import OBJECTS
from pipeline.models.networks.yolo import ultralytics
from pipeline.weights.catalog import Model

# Classes that they detect, so that segmenting and keeping have something to do.
DETECTED_CLASSES = ("couch", "potted plant", "person")
# Logits of the scores of detected and of other classes.
DETECTED_LOGIT, OTHER_LOGIT = -1.5, -9.0
DETECTED_LEVEL = 1  # of YOLO's three levels: objects of some hundred pixels


def write_detector(folder: Path, model: Model, scale: Scale) -> None:
    """Write a detector of either layout that detects a few objects in any photo."""
    writer = _write_yolo if model.layout == "ultralytics" else _write_rt_detr
    writer(folder, model, scale)


def yolo(scale: Scale) -> Any:
    """Build YOLO11n as ultralytics does."""
    parts = ultralytics()
    package = Path(str(import_module("ultralytics").__file__)).parent
    architecture = yaml.safe_load((package / "cfg/models/11/yolo11.yaml").read_text("utf-8"))
    architecture["scale"] = "n"
    if scale is Scale.TINY:
        architecture["scales"] = {"n": [0.25, 0.0625, 128]}  # depth and width multiples, most channels
    return parts.DetectionModel(architecture, ch=3, nc=len(OBJECTS), verbose=False)


def _write_yolo(folder: Path, model: Model, scale: Scale) -> None:
    torch.manual_seed(0)
    network = yolo(scale)
    network.names = dict(enumerate(OBJECTS))
    network.args = {"task": "detect", "imgsz": 640}
    _calibrate(network)
    for level, branch in enumerate(network.model[-1].cv3):
        # One level only, for a few objects per photo: all levels together detect hundreds.
        _bias_towards_detected(branch[-1], logit=DETECTED_LOGIT if level == DETECTED_LEVEL else OTHER_LOGIT)
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
        _bias_towards_detected(head, logit=1.0)
    network.to(getattr(torch, model.dtype)).save_pretrained(folder)
    side = 128 if scale is Scale.TINY else 640
    RTDetrImageProcessor(size={"height": side, "width": side}, do_normalize=False).save_pretrained(folder)


def _calibrate(network: Any) -> None:
    """Set the statistics of batch normalisation from noise; without them, activations vanish."""
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.rand(2, 3, 128, 128))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.eval()


def _bias_towards_detected(head: Any, *, logit: float = DETECTED_LOGIT) -> None:
    with torch.no_grad():
        head.bias.fill_(OTHER_LOGIT)
        head.bias[[OBJECTS.index(name) for name in DETECTED_CLASSES]] = logit
