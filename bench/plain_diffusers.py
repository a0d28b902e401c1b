"""Baseline of `bench.gpu`: the recipe of the replaced system, as plain as diffusers documents it.

One job after another: open the photo, detect, segment, estimate depth (DPT-Large), find edges, diffuse with
`StableDiffusionControlNetPipeline` and guidance 7.5, save. Inefficiencies that the replaced system had by mistake are
not copied: the canvas is ours, weights are fp16 on a GPU, and all networks stay there. It has no safety or quality
checks. Detector and segmenter are the engine's own networks.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DPMSolverMultistepScheduler,
    StableDiffusionControlNetPipeline,
    UNet2DConditionModel,
)
from PIL import Image
from transformers import CLIPTextModel, CLIPTokenizer

from pipeline.models.letterbox import Letterbox
from pipeline.models.networks import depth, detector, segmenter
from pipeline.models.offload.device import Placement
from pipeline.weights.catalog import catalog
from pipeline.weights.store import Weights, WeightStore

GUIDANCE = 7.5
SCALES = [0.8, 0.6]  # depth, edges
EDGE_THRESHOLDS = (100, 200)
MODELS = ("yolo11n", "sam2.1-tiny", "dpt-large", "sd15", "control-depth", "control-canny")
PROMPT = "a scandinavian living room, light wood, white walls, wool, soft daylight, interior photograph"
NEGATIVE_PROMPT = "blurry, distorted, low quality, deformed furniture"


class PlainDiffusers:
    """Baseline recipe with all its networks on the device throughout."""

    def __init__(self, store: WeightStore, placement: Placement, long_side: int) -> None:
        self._placement = placement
        self._long_side = long_side
        weights = {name: store.open(catalog()[name]) for name in MODELS}
        self._detector = detector.load({"detector": weights["yolo11n"]}, placement)
        self._segmenter = segmenter.load({"segmenter": weights["sam2.1-tiny"]}, placement)
        self._depth = depth.load({"depth": weights["dpt-large"]}, placement)
        for network in (self._detector, self._segmenter, self._depth):
            network.to_device()
        self._pipeline = _pipeline(weights, placement)

    def run(self, photo: Path, folder: Path, steps: int, seed: int) -> dict[str, float]:
        """Make one picture; returns the seconds of each stage."""
        clock = _Clock()
        with Image.open(photo) as image:
            rgb = np.asarray(image.convert("RGB"))
        clock.lap("load")
        detections = self._detector.detect(rgb)
        clock.lap("detect")
        self._segmenter.segment(rgb, [detection.box for detection in detections])
        clock.lap("segment")
        height, width = rgb.shape[:2]
        fit = Letterbox.for_photo(height, width, self._long_side)
        canvas = fit.to_canvas(rgb)
        inverse_depth = self._depth.estimate(canvas)
        span = max(float(inverse_depth.max() - inverse_depth.min()), 1e-6)
        grey = ((inverse_depth - inverse_depth.min()) / span * 255).astype(np.uint8)
        clock.lap("depth")
        edges = cv2.Canny(cv2.GaussianBlur(cv2.cvtColor(canvas, cv2.COLOR_RGB2GRAY), (5, 5), 0), *EDGE_THRESHOLDS)
        clock.lap("edges")
        picture = self._pipeline(
            PROMPT,
            negative_prompt=NEGATIVE_PROMPT,
            image=[Image.fromarray(control).convert("RGB") for control in (grey, edges)],
            num_inference_steps=steps,
            guidance_scale=GUIDANCE,
            controlnet_conditioning_scale=SCALES,
            generator=torch.Generator(self._placement.device).manual_seed(seed),
        ).images[0]
        clock.lap("diffuse")
        result = Image.fromarray(fit.from_canvas(np.asarray(picture)))
        result.save(folder / "result.jpg", quality=95)
        result.thumbnail((400, 400))
        result.save(folder / "thumbnail.jpg")
        clock.lap("save")
        return clock.seconds


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name], self._last = now - self._last, now


def _pipeline(weights: Mapping[str, Weights], placement: Placement) -> Any:
    options: dict[str, Any] = {"torch_dtype": placement.dtype, "variant": "fp16", "local_files_only": True}
    folder = weights["sd15"].folder
    pipeline = StableDiffusionControlNetPipeline(
        vae=AutoencoderKL.from_pretrained(folder, subfolder="vae", **options),
        text_encoder=CLIPTextModel.from_pretrained(folder, subfolder="text_encoder", **options),
        tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True),
        unet=UNet2DConditionModel.from_pretrained(folder, subfolder="unet", **options),
        controlnet=[
            ControlNetModel.from_pretrained(weights[name].folder, **options)
            for name in ("control-depth", "control-canny")
        ],
        scheduler=DPMSolverMultistepScheduler.from_config(
            DPMSolverMultistepScheduler.load_config(folder / "scheduler", local_files_only=True)
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(placement.device)
