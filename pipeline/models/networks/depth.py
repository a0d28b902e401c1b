"""Depth estimators: Depth Anything V2 and DPT through transformers, with the same polarity."""

from collections.abc import Mapping
from typing import Any

import torch
from transformers import AutoModelForDepthEstimation, DPTImageProcessor

from pipeline.core.arrays import Rgb
from pipeline.models.arrays import Floats
from pipeline.models.networks.pretrained import load_pretrained
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import TorchNetwork
from pipeline.weights.store import Weights

# The first fusion layer has nothing to add to its input. Published files of DPT lack these tensors, and transformers
# fills them with random numbers that nothing reads (huggingface/transformers#28292).
UNUSED = ("neck.fusion_stage.layers.0.residual_layer1.",)


class InverseDepth(TorchNetwork):
    """Implements ``DepthEstimator``: relative inverse depth, to an unknown scale and shift; larger is nearer.

    Both were trained on disparity: Ranftl et al., Vision Transformers for Dense Prediction, 2021; Yang et al., Depth
    Anything V2, 2024.
    """

    def __init__(self, placement: Placement, model: Any, processor: Any) -> None:
        super().__init__(placement, model)
        self._processor = processor

    @torch.inference_mode()
    def estimate(self, photo: Rgb) -> Floats:
        """Estimate the relative inverse depth of H×W×3 uint8 sRGB: H×W float32, any scale, larger is nearer.

        Raises ``FloatingPointError`` if it is not finite.
        """
        pixels = self._processor(images=photo, return_tensors="pt")["pixel_values"]
        (inverse,) = self.finite(lambda: (self._inverse(pixels),))
        resized_depth = torch.nn.functional.interpolate(
            inverse[:, None], size=photo.shape[:2], mode="bilinear", align_corners=False
        )
        depth: Floats = resized_depth[0, 0].cpu().numpy()
        return depth

    def _inverse(self, pixels: torch.Tensor) -> torch.Tensor:
        inverse: torch.Tensor = self._modules[0](pixel_values=pixels.to(self.device, self.dtype)).predicted_depth
        return inverse.float()


def load(weights: Mapping[str, Weights], placement: Placement) -> InverseDepth:
    """Load the role ``depth`` into host memory. Raises ``ValueError`` for a network of metric depth."""
    folder = weights["depth"].folder
    model = load_pretrained(AutoModelForDepthEstimation, weights["depth"], unused=UNUSED)
    if getattr(model.config, "depth_estimation_type", "relative") != "relative":
        raise ValueError(f"{weights['depth'].model.id} estimates distances, not inverse depth")
    return InverseDepth(placement, model, DPTImageProcessor.from_pretrained(folder, local_files_only=True))
