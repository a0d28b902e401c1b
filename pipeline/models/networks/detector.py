"""The detector: whichever network the operator chose for the role."""

from collections.abc import Mapping

from pipeline.models.networks import rt_detr, yolo
from pipeline.models.offload.device import Placement
from pipeline.weights.store import Weights


def load(weights: Mapping[str, Weights], placement: Placement) -> yolo.Yolo | rt_detr.RtDetr:
    """The detector, in the CPU's memory. Raises ``DarkroomError`` (``engine_unavailable``) for files it refuses."""
    chosen = weights["detector"]
    return yolo.load(chosen, placement) if chosen.model.layout == "ultralytics" else rt_detr.load(chosen, placement)
