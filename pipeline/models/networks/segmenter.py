"""SAM 2 segmentation through transformers, prompted with boxes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from transformers import Sam2ImageProcessor, Sam2Model

from pipeline.core.arrays import Rgb
from pipeline.models.arrays import Box, Floats
from pipeline.models.letterbox import downscaled_to
from pipeline.models.networks.pretrained import load_pretrained
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import TorchNetwork
from pipeline.weights.store import Weights

BATCH = 16  # boxes decoded at once; each takes about 30 MB of device memory meanwhile


class Sam2(TorchNetwork):
    """Implements ``Segmenter`` with SAM 2 (Ravi et al., SAM 2: Segment Anything in Images and Videos, 2024)."""

    def __init__(self, placement: Placement, model: Any, processor: Any) -> None:
        super().__init__(placement, model)
        self._processor = processor

    @torch.inference_mode()
    def segment(self, photo: Rgb, boxes: Sequence[Box]) -> Floats:
        """Segment the objects in N boxes (N may be 0) of H×W×3 uint8 sRGB: N×h×w float32 logits, positive inside.

        Each map covers the whole photo. It is the one of the network's three masks per box with the highest predicted
        IoU. Raises ``FloatingPointError`` if a map is not finite.
        """
        if not boxes:
            return np.zeros((0, 1, 1), np.float32)
        height, width = photo.shape[:2]
        down, across = self._processor.size["height"], self._processor.size["width"]
        pixels = self._processor(images=downscaled_to(photo, down, across), return_tensors="pt")["pixel_values"]
        # The photo is stretched to the network's square input, and the boxes with it.
        scale = torch.tensor([across / width, down / height] * 2)
        prompts = (torch.tensor(boxes, dtype=torch.float32) * scale).to(self.device)
        maps, _ = self.finite(lambda: self._best(pixels, prompts))
        logits: Floats = maps.cpu().numpy()
        return logits

    def _best(self, pixels: torch.Tensor, prompts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the best map for each box, and the predicted IoU of all maps."""
        model: Any = self._modules[0]
        embeddings = model.get_image_embeddings(pixels.to(self.device, self.dtype))
        best, predicted_ious = [], []
        for start in range(0, len(prompts), BATCH):
            boxes = prompts[None, start : start + BATCH]
            outputs = model(image_embeddings=embeddings, input_boxes=boxes, multimask_output=True)
            masks, predicted_iou = outputs.pred_masks[0].float(), outputs.iou_scores[0]
            best.append(masks[torch.arange(len(masks), device=masks.device), predicted_iou.argmax(dim=1)])
            predicted_ious.append(predicted_iou)
        return torch.cat(best), torch.cat(predicted_ious)


def load(weights: Mapping[str, Weights], placement: Placement) -> Sam2:
    """Load the role ``segmenter`` into host memory: the image part of the published video model."""
    folder = weights["segmenter"].folder
    model = load_pretrained(Sam2Model, weights["segmenter"])
    return Sam2(placement, model, Sam2ImageProcessor.from_pretrained(folder, local_files_only=True))
