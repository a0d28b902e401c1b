"""``upscale`` on the models engine: the network, its tiles, and the stage around them."""

import pickle
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from spandrel import ModelLoader

from bench.weights import Scale, write_weights
from pipeline.artifacts import QUALITY, RESULT, SAVED
from pipeline.catalog import catalog
from pipeline.errors import DarkroomError, ErrorCode
from pipeline.kinds import plan
from pipeline.models import upscale
from pipeline.models.device import Placement
from pipeline.models.interfaces import ENLARGER_ANIME, ENLARGER_PHOTO
from pipeline.models.manager import ModelManager
from pipeline.models.networks import super_resolution
from pipeline.models.networks.super_resolution import SuperResolution
from pipeline.networks import Held, Network
from pipeline.params import UpscaleParams
from pipeline.requests import Engine, Kind
from pipeline.results import ModelUsed
from pipeline.stages import Stopped, Work
from pipeline.tiles import Assembly, Floats, Tile, parts, tiles
from pipeline.weights import Shelf, Weights

Rgb = NDArray[np.uint8]
PHOTO, ANIME = "realesrgan-x4plus", "realesrgan-x4plus-anime"


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tiny weights of both networks."""
    folder = tmp_path_factory.mktemp("weights")
    write_weights(folder, Scale.TINY, [PHOTO, ANIME])
    return folder


@pytest.fixture(scope="module")
def enlarger(weights: Path) -> SuperResolution:
    return loaded(weights)


def loaded(weights: Path, model: str = PHOTO, placement: Placement | None = None) -> SuperResolution:
    given = Shelf(weights).open(catalog()[model])
    return super_resolution.load({given.model.role: given}, placement or Placement.of("cpu"))


def tiled(enlarger: Any, picture: Rgb, side: int, overlap: int, scale: float = 4) -> Rgb:
    height, width = (round(length * scale) for length in picture.shape[:2])
    rows = parts(picture.shape[0], height, side, overlap, 4)
    columns = parts(picture.shape[1], width, side, overlap, 4)
    assembly = Assembly(np.empty((height, width, 3), np.uint8), rows, columns)
    for tile in tiles(picture, rows, columns):
        assembly.add(tile, enlarger.enlarge([tile], lambda _: None)[0])
    return assembly.result


def whole(enlarger: SuperResolution, picture: Rgb, scale: float = 4) -> Rgb:
    return tiled(enlarger, picture, max(picture.shape), 0, scale)


def test_the_network_is_what_spandrel_reads_from_the_same_file(weights: Path, photo: Rgb) -> None:
    """Ours goes block by block, so that cancelling is heard, and must come to the same."""
    for model in (PHOTO, ANIME):
        described = ModelLoader().load_from_file(weights / model / catalog()[model].files[0])
        assert (described.architecture.id, described.scale) == ("ESRGAN", 4)
        crop = np.ascontiguousarray(photo[:40, :56])
        given = torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            theirs = (described.model(given)[0].clamp(0, 1) * 255).permute(1, 2, 0).numpy()
        assert np.abs(whole(loaded(weights, model), crop) - theirs).max() <= 0.51


@pytest.mark.parametrize("scale", [1.5, 2, 2.5, 3, 4])
@pytest.mark.parametrize("size", [(97, 150), (65, 64), (32, 40)])
def test_tiles_leave_no_trace(enlarger: SuperResolution, photo: Rgb, size: tuple[int, int], scale: float) -> None:
    picture = np.ascontiguousarray(photo[60 : 60 + size[0], 80 : 80 + size[1]])
    cut = tiled(enlarger, picture, 64, 32, scale).astype(int)
    assert np.abs(cut - whole(enlarger, picture, scale)).max() <= 1
