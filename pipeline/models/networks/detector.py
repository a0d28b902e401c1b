"""Object detector: loads the network that the operator chose for the role, YOLO or RT-DETR."""

from collections.abc import Mapping

from pipeline.models.networks import rt_detr, yolo
from pipeline.models.offload.device import Placement
from pipeline.weights.store import Weights


def load(weights: Mapping[str, Weights], placement: Placement) -> yolo.Yolo | rt_detr.RtDetr:
    """Load the role ``detector`` into host memory. Raises ``DarkroomError`` (``engine_unavailable``) for bad files."""
    chosen = weights["detector"]
    return yolo.load(chosen, placement) if chosen.model.layout == "ultralytics" else rt_detr.load(chosen, placement)
