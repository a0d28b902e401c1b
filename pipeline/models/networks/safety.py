"""Safety checker of Stable Diffusion 1.5: compares CLIP embeddings (Radford et al. 2021) with fixed concepts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from transformers import CLIPImageProcessor

from pipeline.core.arrays import Rgb
from pipeline.models.networks.image_text import squares
from pipeline.models.networks.pretrained import load_pretrained
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
        """Return True if H×W×3 uint8 sRGB, or any square of a long picture, is not safe for work.

        Raises ``FloatingPointError`` if a number is not finite, as the comparison with a threshold would say "safe".
        """
        views = squares(picture, 2 * self._processor.crop_size["height"])
        pixels = self._processor(images=views, return_tensors="pt")["pixel_values"]
        found, *_ = self.finite(lambda: self._compare(pixels))
        return bool(found.any())

    def _compare(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return for each picture if it is unsafe, and all numbers that this was derived from."""
        checker = self._checker
        embeddings: list[torch.Tensor] = []
        hook = checker.visual_projection.register_forward_hook(lambda *call: embeddings.append(call[-1]))
        try:
            # The checker blackens unsafe pictures in ``images``, but classifies by ``clip_input`` alone.
            _, found = checker(clip_input=pixels.to(self.device, self.dtype), images=np.zeros((len(pixels), 1)))
        finally:
            hook.remove()
        thresholds = (checker.concept_embeds_weights, checker.special_care_embeds_weights)
        return (torch.tensor(found), *embeddings, *thresholds, checker.concept_embeds, checker.special_care_embeds)

    def close(self) -> None:
        """Drop the modules."""
        super().close()
        del self._checker


def load(weights: Mapping[str, Weights], placement: Placement) -> ClipSafetyChecker:
    """Load the role ``safety``: the folders ``safety_checker`` and ``feature_extractor`` of its repository."""
    model_weights = weights["safety"]
    checker = load_pretrained(StableDiffusionSafetyChecker, model_weights, "safety_checker")
    processor = CLIPImageProcessor.from_pretrained(model_weights.folder / "feature_extractor", local_files_only=True)
    return ClipSafetyChecker(placement, checker, processor)
