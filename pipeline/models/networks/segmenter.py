"""SAM 2 through transformers, prompted with boxes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from transformers import Sam2ImageProcessor, Sam2Model

from pipeline.core.arrays import Rgb
from pipeline.models.arrays import Box, Floats
from pipeline.models.letterbox import downscaled_to
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import TorchNetwork
from pipeline.weights.store import Weights

BATCH = 16  # boxes decoded at once; each takes some 30 MB of the device's memory on the way


class Sam2(TorchNetwork):
    """Outlines by prompt (Ravi et al., SAM 2: Segment Anything in Images and Videos, 2024)."""

    def __init__(self, placement: Placement, model: Any, processor: Any) -> None:
        super().__init__(placement, model)
        self._processor = processor

    @torch.inference_mode()
    def segment(self, photo: Rgb, boxes: Sequence[Box]) -> Floats:
        """N×h×w float32 logits, one map for each of N boxes (N may be 0) in H×W×3 uint8 sRGB: positive inside.

        Each map covers the whole photo. Of the three that the network offers for a box, the one it expects to overlap
        best with the truth.
        """
        if not boxes:
            return np.zeros((0, 1, 1), np.float32)
        height, width = photo.shape[:2]
        down, across = self._processor.size["height"], self._processor.size["width"]
        pixels = self._processor(images=downscaled_to(photo, down, across), return_tensors="pt")["pixel_values"]
        model: Any = self._modules[0]
        seen = model.get_image_embeddings(pixels.to(self.device, self.dtype))
        # The photo is squeezed into the network's square, and the boxes with it.
        squeeze = torch.tensor([across / width, down / height] * 2)
        prompts = (torch.tensor(boxes, dtype=torch.float32) * squeeze).to(self.device)
        maps = [self._best(seen, prompts[start : start + BATCH]) for start in range(0, len(boxes), BATCH)]
        logits: Floats = torch.cat(maps).cpu().numpy()
        return logits

    def _best(self, seen: list[torch.Tensor], prompts: torch.Tensor) -> torch.Tensor:
        outputs = self._modules[0](image_embeddings=seen, input_boxes=prompts[None], multimask_output=True)
        masks, expected = outputs.pred_masks[0].float(), outputs.iou_scores[0]
        best: torch.Tensor = masks[torch.arange(len(masks), device=masks.device), expected.argmax(dim=1)]
        return best


def load(weights: Mapping[str, Weights], placement: Placement) -> Sam2:
    """The network, in the CPU's memory. The published folder is the video model's: what images need is taken of it."""
    folder = weights["segmenter"].folder
    model = Sam2Model.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    return Sam2(placement, model, Sam2ImageProcessor.from_pretrained(folder, local_files_only=True))
