"""RT-DETR object detector through transformers: the one with a permissive licence."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import torch
from transformers import AutoModelForObjectDetection, RTDetrImageProcessor

from pipeline.core.arrays import Rgb
from pipeline.models.interfaces import Detection
from pipeline.models.letterbox import downscaled_to
from pipeline.models.networks.coco_labels import known_labels
from pipeline.models.networks.pretrained import load_pretrained
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import TorchNetwork
from pipeline.weights.store import Weights

MIN_SCORE = 0.5  # its own default; it gives higher scores than YOLO, to false positives, too


class RtDetr(TorchNetwork):
    """Implements ``Detector``, without NMS (Zhao et al., DETRs Beat YOLOs on Real-time Object Detection, 2024)."""

    def __init__(self, placement: Placement, model: Any, processor: Any, labels: dict[int, str]) -> None:
        super().__init__(placement, model)
        self._processor = processor
        self._labels = labels

    @torch.inference_mode()
    def detect(self, photo: Rgb) -> Sequence[Detection]:
        """Detect objects in H×W×3 uint8 sRGB, highest score first; boxes lie within the picture.

        Raises ``FloatingPointError`` if a score or a box is not finite.
        """
        height, width = photo.shape[:2]
        size = self._processor.size
        small = downscaled_to(photo, size["height"], size["width"])
        pixels = self._processor(images=small, return_tensors="pt")["pixel_values"]
        logits, normalised_boxes = self.finite(lambda: self._outputs(pixels))
        results = self._processor.post_process_object_detection(
            SimpleNamespace(logits=logits, pred_boxes=normalised_boxes),
            threshold=MIN_SCORE,
            target_sizes=[(height, width)],
        )[0]
        limits = torch.tensor([width, height, width, height], device=results["boxes"].device)
        boxes = torch.minimum(results["boxes"].clamp(min=0), limits).tolist()
        detections = [
            Detection(self._labels[number], (left, top, right, bottom), score)
            for (left, top, right, bottom), score, number in zip(
                boxes, results["scores"].tolist(), results["labels"].tolist(), strict=True
            )
            if number in self._labels
        ]
        return sorted(detections, key=lambda each: -each.score)

    def _outputs(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        outputs = self._modules[0](pixel_values=pixels.to(self.device, self.dtype))
        return outputs.logits.float(), outputs.pred_boxes.float()


def load(weights: Weights, placement: Placement) -> RtDetr:
    """Load the network from a transformers folder into host memory."""
    model = load_pretrained(AutoModelForObjectDetection, weights)
    processor = RTDetrImageProcessor.from_pretrained(weights.folder, local_files_only=True)
    labels = known_labels({int(number): name for number, name in model.config.id2label.items()})
    return RtDetr(placement, model, processor, labels)
