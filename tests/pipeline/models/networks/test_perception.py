"""Perception networks: each loads from its real layout and fulfils its interface."""

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from darkroom.contract.coco_objects import OBJECTS
from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.models.networks import depth, detector, image_text, segmenter
from pipeline.models.networks.coco_labels import known_labels
from pipeline.models.networks.image_text import squares
from pipeline.models.networks.yolo import ultralytics
from pipeline.models.offload.device import Placement
from pipeline.models.offload.runtimes import TorchNetwork
from pipeline.weights.catalog import catalog
from pipeline.weights.store import Weights, WeightStore
from tests.paths import ROOT
from tests.pipeline.models.networks.malicious_pickles import MaliciousPickle

Rgb = NDArray[np.uint8]
DETECTORS = ("yolo11n", "rt-detr-r18")
DEPTHS = ("depth-anything-v2-small", "dpt-large")
LOADERS = {"detector": detector.load, "segmenter": segmenter.load, "image_text": image_text.load, "depth": depth.load}
SHAPES = ((240, 320), (120, 360), (360, 120), (33, 47))


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def networks(tiny_weights: Path) -> dict[str, Any]:
    """Every network by its model's id, on the CPU."""
    ids = (*DETECTORS, *DEPTHS, "sam2.1-tiny", "clip-vit-b32")
    return {name: loaded(WeightStore(tiny_weights).open(catalog()[name])) for name in ids}


def loaded(weights: Weights, placement: Placement | None = None) -> Any:
    role = weights.model.role
    return LOADERS[role]({role: weights}, placement or Placement.for_device("cpu"))


def sized(photo: Rgb, shape: tuple[int, int]) -> Rgb:
    return cv2.resize(photo, shape[::-1], interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("shape", SHAPES)
def test_detections_have_names_and_boxes_within_the_photo(
    networks: dict[str, Any], photo: Rgb, name: str, shape: tuple[int, int]
) -> None:
    height, width = shape
    found = networks[name].detect(sized(photo, shape))
    assert found
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    for each in found:
        left, top, right, bottom = each.box
        assert each.label in OBJECTS
        assert 0 < each.score <= 1
        assert 0 <= left <= right <= width
        assert 0 <= top <= bottom <= height


@pytest.mark.parametrize("name", DETECTORS)
def test_detections_scale_with_the_photo(networks: dict[str, Any], photo: Rgb, name: str) -> None:
    # Both reach the network at the same size, so that only the boxes' scale differs.
    small = sized(photo, (480, 640))
    large = np.repeat(np.repeat(small, 2, axis=0), 2, axis=1)
    here, there = networks[name].detect(small), networks[name].detect(large)
    assert [each.label for each in here] == [each.label for each in there]
    assert np.allclose([each.box for each in there], 2 * np.array([each.box for each in here]), atol=1.5)


def test_boxes_are_correct_despite_letterboxing(networks: dict[str, Any]) -> None:
    """YOLO's letterbox padding of a tall photo is subtracted from the boxes."""
    tall = np.zeros((640, 300, 3), np.uint8)
    parts = ultralytics()
    boxed = parts.LetterBox((640, 640), auto=True, stride=32)(image=tall)
    assert boxed.shape == (640, 320, 3)
    box = parts.scale_boxes(boxed.shape[:2], torch.tensor([[10.0, 0.0, 310.0, 640.0]]), tall.shape[:2])
    assert box.tolist() == [[0.0, 0.0, 300.0, 640.0]]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_segmenter_returns_one_map_per_box(networks: dict[str, Any], photo: Rgb, shape: tuple[int, int]) -> None:
    height, width = shape
    boxes = [(0.0, 0.0, width / 2, height / 2), (width / 3, height / 3, float(width), float(height))] * 10
    logits = networks["sam2.1-tiny"].segment(sized(photo, shape), boxes)
    assert logits.shape[0] == len(boxes)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()
    # Another box, another outline; the same box in another batch, the same one.
    assert not np.allclose(logits[0], logits[1])
    assert np.allclose(logits[:2], logits[-2:], atol=1e-4)


def test_the_segmenter_returns_no_maps_for_no_boxes(networks: dict[str, Any], photo: Rgb) -> None:
    assert len(networks["sam2.1-tiny"].segment(photo, [])) == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_caption_probabilities_add_up_to_one(networks: dict[str, Any], photo: Rgb, shape: tuple[int, int]) -> None:
    captions = ["a photo of a kitchen", "a photo of a bedroom", "a drawing"]
    view = sized(photo, shape)
    fits = networks["clip-vit-b32"].probabilities(view, captions)
    cosines = networks["clip-vit-b32"].similarities(view, captions)
    assert fits.shape == cosines.shape == (3,)
    assert fits.dtype == cosines.dtype == np.float32
    assert fits.sum() == pytest.approx(1, abs=1e-5)
    assert (np.abs(cosines) <= 1).all()
    assert fits.argmax() == cosines.argmax()
    # The network's own scale stands between the two.
    ratio = np.log(fits.max() / fits.min()) / (cosines.max() - cosines.min())
    assert ratio == pytest.approx(np.exp(2.6592), rel=0.02)


def test_a_captions_similarity_does_not_depend_on_the_others(networks: dict[str, Any], photo: Rgb) -> None:
    clip = networks["clip-vit-b32"]
    alone = clip.similarities(photo, ["a photo of a kitchen"])[0]
    for turn in range(40):
        assert clip.similarities(photo, ["a photo of a kitchen", f"a drawing of {turn} cats"])[0] == pytest.approx(
            alone, abs=1e-5
        )


def test_long_photos_are_covered_by_squares() -> None:
    panorama = np.zeros((30, 100, 3), np.uint8)
    panorama[:, 0], panorama[:, -1] = 255, 255
    seen = squares(panorama, 1000)
    assert [part.shape for part in seen] == [(30, 30, 3)] * 4
    assert seen[0][:, 0].all()
    assert seen[-1][:, -1].all()
    assert len(squares(panorama.swapaxes(0, 1), 10)) == 4
    assert [part.shape for part in squares(np.zeros((400, 500, 3), np.uint8), 224)] == [(224, 224, 3)]


@pytest.mark.parametrize("name", DEPTHS)
@pytest.mark.parametrize("shape", [(240, 320), (128, 384), (384, 128)])
def test_the_depth_map_has_the_photos_shape(
    networks: dict[str, Any], photo: Rgb, name: str, shape: tuple[int, int]
) -> None:
    inverse = networks[name].estimate(sized(photo, shape))
    assert inverse.shape == shape
    assert inverse.dtype == np.float32
    assert np.isfinite(inverse).all()
    assert inverse.std() > 0


@pytest.mark.parametrize("name", DEPTHS)
def test_depth_keeps_the_networks_polarity(networks: dict[str, Any], name: str) -> None:
    """Depth estimator that returns inverse depth with its sign."""
    network = networks[name]
    ramp = torch.linspace(0, 1, 8).expand(1, 6, 8)
    stand_in = torch.nn.Identity()
    stand_in.forward = lambda **_: SimpleNamespace(predicted_depth=ramp)  # type: ignore[assignment]
    other = depth.InverseDepth(Placement.for_device("cpu"), stand_in, network._processor)
    inverse = other.estimate(np.zeros((60, 80, 3), np.uint8))
    assert inverse.shape == (60, 80)
    assert (np.diff(inverse[30]) >= 0).all()
    assert inverse[30, -1] > inverse[30, 0]


def test_a_metric_depth_network_is_rejected(tiny_weights: Path, tmp_path: Path) -> None:
    model = catalog()["depth-anything-v2-small"]
    folder = shutil.copytree(tiny_weights / model.id, tmp_path / model.id)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"depth_estimation_type": "metric", "max_depth": 20}))
    with pytest.raises(ValueError, match="distances"):
        loaded(Weights(model, folder, "random"))


def test_equal_photos_give_equal_outputs(tiny_weights: Path, networks: dict[str, Any], photo: Rgb) -> None:
    for name in (*DETECTORS, "sam2.1-tiny"):
        again = loaded(WeightStore(tiny_weights).open(catalog()[name]))
        if name in DETECTORS:
            assert list(networks[name].detect(photo)) == list(again.detect(photo))
        else:
            box = [(10.0, 10.0, 200.0, 200.0)]
            assert np.array_equal(networks[name].segment(photo, box), again.segment(photo, box))


@pytest.mark.parametrize("name", [*DETECTORS, *DEPTHS, "sam2.1-tiny", "clip-vit-b32"])
def test_networks_run_in_half_precision(tiny_weights: Path, photo: Rgb, name: str) -> None:
    half = Placement(torch.device("cpu"), torch.float16, torch.channels_last)
    network: TorchNetwork = loaded(WeightStore(tiny_weights).open(catalog()[name]), half)
    match network:
        case segmenter.Sam2():
            answer = network.segment(photo, [(10.0, 10.0, 200.0, 200.0)])
        case image_text.Clip():
            answer = network.probabilities(photo, ["a kitchen", "a bedroom"])
        case depth.InverseDepth():
            answer = network.estimate(photo)
        case _:
            answer = np.array([each.score for each in network.detect(photo)], np.float32)  # type: ignore[attr-defined]
    assert answer.size
    assert answer.dtype == np.float32
    assert np.isfinite(answer).all()


@pytest.mark.parametrize("name", ["yolo11n", "sam2.1-tiny", "clip-vit-b32"])
def test_a_closed_network_keeps_no_weights(tiny_weights: Path, name: str) -> None:
    network: TorchNetwork = loaded(WeightStore(tiny_weights).open(catalog()[name]))
    assert network.size() > 0
    network.close()
    assert network.size() == 0
    assert not any(isinstance(value, torch.nn.Module) for value in vars(network).values())


class Evaluating:
    """Pickle that builds a network from a configuration with code."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        code = f"__import__('pathlib').Path({str(self.file)!r}).touch()"
        config = {"nc": 1, "activation": code, "backbone": [[-1, 1, "Conv", [8, 3, 2]]], "head": [], "ch": 3}
        return ultralytics().DetectionModel, (config, 3, 1, False)


@pytest.mark.parametrize("kind", [MaliciousPickle, Evaluating])
def test_a_checkpoint_with_code_is_rejected_without_running_it(tmp_path: Path, kind: Any) -> None:
    model = catalog()["yolo11n"]
    proof = tmp_path / "it-ran"
    torch.save({"model": kind(proof), "ema": None}, tmp_path / "yolo11n.pt")
    with pytest.raises(DarkroomError) as raised:
        loaded(Weights(model, tmp_path, "random"))
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE
    assert "yolo11n.pt" in raised.value.detail.message
    assert "darkroom models fetch yolo11n" in raised.value.detail.message
    assert not proof.exists()


@pytest.mark.parametrize(
    "content", [b"", b"not a checkpoint", pickle.dumps({"model": 1})], ids=["empty", "text", "plain pickle"]
)
def test_a_file_that_is_no_checkpoint_is_rejected_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "yolo11n.pt").write_bytes(content)
    with pytest.raises(DarkroomError, match=r"yolo11n\.pt") as raised:
        loaded(Weights(catalog()["yolo11n"], tmp_path, "random"))
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE


def test_a_checkpoint_without_a_network_is_rejected(tmp_path: Path) -> None:
    torch.save({"model": None, "ema": None}, tmp_path / "yolo11n.pt")
    with pytest.raises(DarkroomError, match="no network"):
        loaded(Weights(catalog()["yolo11n"], tmp_path, "random"))


def test_importing_ultralytics_has_no_side_effects(tmp_path: Path) -> None:
    """Run in a subprocess, as the package is already imported in this one."""
    code = (
        "import os, cv2, torch, torchvision\n"
        "from PIL import Image\n"
        "before, threads, save, opened = dict(os.environ), cv2.getNumThreads(), torch.save, Image.open\n"
        "from pipeline.models.networks.yolo import ultralytics\n"
        "ultralytics()\n"
        "assert dict(os.environ) == before\n"
        "assert cv2.getNumThreads() == threads\n"
        "assert torch.save is save\n"
        "assert Image.open is opened\n"
    )
    environment = {"HOME": str(tmp_path), "PATH": "", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=120)
    assert list(tmp_path.iterdir()) == []


def test_labels_are_translated_to_the_contracts_names() -> None:
    names = {0: "person", 3: "motorbike", 57: "sofa", 58: "pottedplant", 62: "tvmonitor", 80: "unicorn"}
    assert known_labels(names) == {0: "person", 3: "motorcycle", 57: "couch", 58: "potted plant", 62: "tv"}
    with pytest.raises(ValueError, match="COCO"):
        known_labels({0: "unicorn"})
