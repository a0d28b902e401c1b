"""Safety checker of Stable Diffusion 1.5: compares CLIP embeddings (Radford et al. 2021) with fixed concepts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from transformers import CLIPImageProcessor

from pipeline.core.arrays import Rgb
from pipeline.models.networks.image_text import squares
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import TorchNetwork
from pipeline.weights.store import Weights


class ClipSafetyChecker(TorchNetwork):
    """Implements ``SafetyChecker``: unsafe if the similarity to any of 17 concepts exceeds its threshold."""

    def __init__(self, placement: Placement, checker: Any, processor: Any) -> None:
        super().__init__(placement, checker)
        self._checker = checker
        self._processor = processor

    @torch.inference_mode()
    def unsafe(self, picture: Rgb) -> bool:
        """Return True if H×W×3 uint8 sRGB, or any square of a long picture, is not safe for work."""
        views = squares(picture, 2 * self._processor.crop_size["height"])
        pixels = self._processor(images=views, return_tensors="pt")["pixel_values"].to(self.device, self.dtype)
        # The checker blackens unsafe pictures in ``images``, but classifies by ``clip_input`` alone.
        _, found = self._checker(clip_input=pixels, images=np.zeros((len(views), 1)))
        return any(found)

    def close(self) -> None:
        """Drop the modules."""
        super().close()
        del self._checker


def load(weights: Mapping[str, Weights], placement: Placement) -> ClipSafetyChecker:
    """Load the role ``safety``: the folders ``safety_checker`` and ``feature_extractor`` of its repository."""
    model_weights = weights["safety"]
    checker = StableDiffusionSafetyChecker.from_pretrained(
        model_weights.folder / "safety_checker",
        variant=model_weights.model.variant,
        dtype=getattr(torch, model_weights.model.dtype),
        use_safetensors=True,
        local_files_only=True,
    )
    processor = CLIPImageProcessor.from_pretrained(model_weights.folder / "feature_extractor", local_files_only=True)
    return ClipSafetyChecker(placement, checker, processor)
