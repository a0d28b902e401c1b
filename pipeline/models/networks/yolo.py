"""YOLO object detector from an Ultralytics checkpoint, run without the package's side effects."""

import os
import pickle
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import torch
from PIL import Image
from torch import nn

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.arrays import Rgb
from pipeline.models.interfaces import Detection
from pipeline.models.letterbox import resized
from pipeline.models.networks.coco_labels import known_labels
from pipeline.models.networks.load_errors import load_error, refuse
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import TorchNetwork
from pipeline.weights.store import Weights

INPUT_SIDE = 640  # input size of the published weights
STRIDE = 32
MIN_SCORE = 0.1  # callers have their own thresholds; below this is noise
NMS_IOU = 0.7  # IoU threshold of NMS: Ultralytics' default

# Prefixes of the globals that checkpoints may contain. Any other is refused before unpickling.
_ALLOWED_GLOBALS = (
    "torch.",
    "ultralytics.nn.",
    "ultralytics.utils.IterableSimpleNamespace",
    "ultralytics.utils.loss.",
    "ultralytics.utils.tal.",
    "collections.",
    "numpy.dtype",
    "numpy.dtypes.",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray.scalar",
    "pathlib.",
    "builtins.set",
    "builtins.getattr",  # for `Detect.forward`; the loader lets it reach nothing but methods of networks
)
_ENVIRONMENT = {
    "YOLO_AUTOINSTALL": "false",
    "YOLO_OFFLINE": "true",
    "YOLO_VERBOSE": "false",
    "ULTRALYTICS_SAFE_LOAD": "true",  # its model builder evaluates strings of the configuration otherwise
}


class Yolo(TorchNetwork):
    """Implements ``Detector`` with Ultralytics' YOLO (Redmon et al., You Only Look Once, 2016)."""

    def __init__(self, placement: Placement, module: nn.Module, labels: dict[int, str]) -> None:
        super().__init__(placement, module)
        self._labels = labels

    @torch.inference_mode()
    def detect(self, photo: Rgb) -> Sequence[Detection]:
        """Detect objects in H×W×3 uint8 sRGB, highest score first; boxes lie within the picture.

        Raises ``FloatingPointError`` if a score or a box is not finite.
        """
        parts = ultralytics()
        height, width = photo.shape[:2]
        gain = min(INPUT_SIDE / max(height, width), 1.0)
        small = resized(photo, max(round(height * gain), 1), max(round(width * gain), 1))
        letterboxed = parts.LetterBox((INPUT_SIDE, INPUT_SIDE), auto=True, stride=STRIDE)(image=small)
        pixels = torch.from_numpy(letterboxed).to(self.device).permute(2, 0, 1)[None]
        (predictions,) = self.finite(lambda: (self._predictions(pixels),))
        boxes = parts.non_max_suppression(
            predictions, MIN_SCORE, NMS_IOU, end2end=bool(getattr(self._modules[0], "end2end", False))
        )[0]
        boxes[:, :4] = parts.scale_boxes(pixels.shape[2:], boxes[:, :4], (height, width))
        return [
            Detection(self._labels[int(number)], (left, top, right, bottom), min(score, 1.0))
            for left, top, right, bottom, score, number in boxes.tolist()
            if int(number) in self._labels
        ]

    def _predictions(self, pixels: torch.Tensor) -> torch.Tensor:
        inputs = pixels.to(self.dtype).div(255).contiguous(memory_format=self.placement.memory_format)
        output = self._modules[0](inputs)
        predictions: torch.Tensor = output[0] if isinstance(output, (tuple, list)) else output
        return predictions.float()


def load(weights: Weights, placement: Placement) -> Yolo:
    """Load a ``.pt`` checkpoint. Raises ``DarkroomError`` (``engine_unavailable``) for a file that it refuses."""
    file = next(path for path in weights.model.files if path.endswith(".pt"))
    checkpoint = _read(weights, file)
    module = checkpoint.get("ema") or checkpoint.get("model")
    if not isinstance(module, nn.Module):
        raise load_error(weights, file, "it holds no network")
    try:
        labels = known_labels(dict(getattr(module, "names", {})))
    except ValueError as error:
        raise load_error(weights, file, str(error)) from error
    module = module.float().eval()
    return Yolo(placement, module.fuse(verbose=False), labels)  # type: ignore[operator] # ultralytics' own


def _read(weights: Weights, file: str) -> dict[str, Any]:
    parts, path = ultralytics(), str(weights.folder / file)
    unreadable = (ValueError, RuntimeError, pickle.UnpicklingError)
    with refuse(weights, file, "it is no checkpoint of torch.save", *unreadable):
        unknown = sorted(
            name
            for name in torch.serialization.get_unsafe_globals_in_checkpoint(path)
            if not name.startswith(_ALLOWED_GLOBALS)
        )
    if unknown:
        raise load_error(weights, file, f"it would run {', '.join(unknown[:3])}")
    refused = (TypeError, RuntimeError, pickle.UnpicklingError, ImportError, AttributeError)
    with refuse(weights, file, "it holds what a detector has no need of", *refused):
        # Loads weights_only, with a list of allowed classes, and evaluates nothing of the configuration.
        checkpoint, _ = parts.torch_safe_load(path, safe_only=True)
    return checkpoint if isinstance(checkpoint, dict) else {}


class _UltralyticsApi:
    """The parts of the package that we use."""

    def __init__(self) -> None:
        tasks = import_module("ultralytics.nn.tasks")
        self.DetectionModel: Any = tasks.DetectionModel
        self.torch_safe_load: Any = tasks.torch_safe_load
        self.LetterBox: Any = import_module("ultralytics.data.augment").LetterBox
        self.non_max_suppression: Any = import_module("ultralytics.utils.nms").non_max_suppression
        self.scale_boxes: Any = import_module("ultralytics.utils.ops").scale_boxes


@cache
def ultralytics() -> _UltralyticsApi:
    """Import the package without its side effects: no installation, no network, no changes to the process.

    On import it writes a settings file, limits OpenCV to one thread and sets environment variables for training. It
    also wraps ``torch.save`` and Pillow's ``Image.open``. The latter then reports a missing package for a file that is
    no picture. Raises ``DarkroomError`` (``engine_unavailable``) if it is not installed.
    """
    if find_spec("ultralytics") is None:
        raise DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            "The detector yolo11n needs ultralytics (AGPL-3.0): pip install 'darkroom-sdk[yolo]', "
            "or choose rt-detr-r18.",
        )
    import_module("torchvision")  # Ultralytics uses its NMS only if it is loaded, so load it always
    before, threads = dict(os.environ), cv2.getNumThreads()
    save, open_image = torch.save, Image.open
    with TemporaryDirectory(prefix="darkroom-") as folder:
        os.environ.update(_ENVIRONMENT, YOLO_CONFIG_DIR=folder)
        try:
            return _UltralyticsApi()
        finally:
            for name in os.environ.keys() - before.keys():
                del os.environ[name]
            os.environ.update(before)
            cv2.setNumThreads(threads)
            torch.save = save
            Image.open = open_image
