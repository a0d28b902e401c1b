"""``upscale`` on the models engine: the network, its tiles, and the stage around them."""

import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from spandrel import ModelLoader

from bench.random_weights import Scale, write_weights
from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.artifacts import QUALITY, RESULT, SAVED
from pipeline.core.stages import JobAbandoned
from pipeline.imaging.tiles import TileAssembler, tile_spans, tiles
from pipeline.models.networks import super_resolution
from pipeline.models.networks.super_resolution import SuperResolution
from pipeline.models.offload.device import Placement
from pipeline.models.offload.manager import ModelManager
from pipeline.models.workflows import upscale
from pipeline.weights.catalog import catalog
from pipeline.weights.store import Weights, WeightStore
from tests.pipeline.models.networks.malicious_pickles import MaliciousPickle
from tests.pipeline.models.workflows.upscale_fakes import FakeNetworkProvider, PixelRepeater, run

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
def upscaler(weights: Path) -> SuperResolution:
    return loaded(weights)


def loaded(weights: Path, model: str = PHOTO, placement: Placement | None = None) -> SuperResolution:
    given = WeightStore(weights).open(catalog()[model])
    return super_resolution.load({given.model.role: given}, placement or Placement.for_device("cpu"))


def tiled(upscaler: Any, picture: Rgb, side: int, overlap: int, scale: float = 4) -> Rgb:
    height, width = (round(length * scale) for length in picture.shape[:2])
    rows = tile_spans(picture.shape[0], height, side, overlap, 4)
    columns = tile_spans(picture.shape[1], width, side, overlap, 4)
    assembly = TileAssembler(np.empty((height, width, 3), np.uint8), rows, columns)
    for tile in tiles(picture, rows, columns):
        assembly.add(tile, upscaler.upscale([tile], lambda _: None)[0])
    return assembly.result


def whole(upscaler: SuperResolution, picture: Rgb, scale: float = 4) -> Rgb:
    return tiled(upscaler, picture, max(picture.shape), 0, scale)


def test_the_network_equals_spandrels(weights: Path, photo: Rgb) -> None:
    """The block-wise forward pass, which checks for cancellation, must equal the module's own."""
    for model in (PHOTO, ANIME):
        described = ModelLoader().load_from_file(weights / model / catalog()[model].files[0])
        assert (described.architecture.id, described.scale) == ("ESRGAN", 4)
        crop = np.ascontiguousarray(photo[:40, :56])
        given = torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            theirs = (described.model(given)[0].clamp(0, 1) * 255).permute(1, 2, 0).numpy()
        assert np.abs(whole(loaded(weights, model), crop) - theirs).max() <= 0.51


@pytest.mark.parametrize("scale", [1.5, 2, 2.5, 3, 4])
@pytest.mark.parametrize("size", [(96, 129), (64, 65), (32, 40)])
def test_tiles_with_overlap_leave_no_seams(
    upscaler: SuperResolution, photo: Rgb, size: tuple[int, int], scale: float
) -> None:
    picture = np.ascontiguousarray(photo[60 : 60 + size[0], 80 : 80 + size[1]])
    cut = tiled(upscaler, picture, 64, 32, scale).astype(int)
    assert np.abs(cut - whole(upscaler, picture, scale)).max() <= 1


def test_tiles_without_overlap_leave_seams(upscaler: SuperResolution, photo: Rgb) -> None:
    picture = np.ascontiguousarray(photo[60:156, 80:176])
    cut = tiled(upscaler, picture, 48, 0).astype(int)
    assert np.abs(cut - whole(upscaler, picture)).max() > 20


def test_batched_tiles_equal_single_tiles(upscaler: SuperResolution, photo: Rgb) -> None:
    rows, columns = tile_spans(96, 240, 64, 32, 4), tile_spans(160, 400, 64, 32, 4)
    tile_list = list(tiles(photo[:96, :160], rows, columns))
    assert len(tile_list) == 8
    fractions: list[float] = []
    together = upscaler.upscale(tile_list, fractions.append)
    for tile, enlarged in zip(tile_list, together, strict=True):
        assert enlarged.shape == (len(tile.rows.weights), len(tile.columns.weights), 3)
        assert np.abs(enlarged - upscaler.upscale([tile], lambda _: None)[0]).max() < 0.01
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_the_network_runs_in_half_precision(weights: Path, upscaler: SuperResolution, photo: Rgb) -> None:
    half = loaded(weights, placement=Placement(torch.device("cpu"), torch.float16, torch.channels_last))
    crop = np.ascontiguousarray(photo[:64, :64])
    difference = np.abs(whole(half, crop, 2).astype(int) - whole(upscaler, crop, 2))
    assert difference.max() <= 3


def test_less_free_memory_gives_a_smaller_pixel_capacity(
    upscaler: SuperResolution, monkeypatch: pytest.MonkeyPatch
) -> None:
    plenty = upscaler.pixel_capacity()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=400_000_000))
    assert 64**2 <= upscaler.pixel_capacity() < plenty


def test_a_closed_network_keeps_no_weights(weights: Path) -> None:
    network = loaded(weights)
    assert network.size() > 0
    network.close()
    assert network.size() == 0
    assert not any(isinstance(value, torch.nn.Module) for value in vars(network).values())


def archive(path: Path) -> None:
    """Add the files that mark an archive as TorchScript, which contains code."""
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(f"{file.namelist()[0].split('/')[0]}/constants.pkl", b"")


def others(path: Path) -> None:
    """Return a file with other weights."""
    torch.save({"params_ema": {"fc.weight": torch.zeros(3, 3)}}, path)


def doubling(path: Path) -> None:
    """Network that enlarges two times: it has one upsampling less."""
    state = torch.load(path, weights_only=True)["params_ema"]
    kept = {name: tensor for name, tensor in state.items() if not name.startswith("conv_up2")}
    torch.save({"params_ema": kept}, path)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol", "ignore:'torch.load' received a zip file")
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: torch.save({"params_ema": MaliciousPickle(path.with_name("it-ran"))}, path),
        lambda path: path.write_bytes(pickle.dumps(MaliciousPickle(path.with_name("it-ran")))),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not a checkpoint"),
        lambda path: path.write_bytes(path.read_bytes()[:-20_000]),
        lambda path: torch.save([1, 2], path),
        archive,
        others,
        doubling,
    ],
    ids=["code", "plain pickle", "empty", "text", "cut off", "a list", "archive", "others", "doubling"],
)
def test_another_file_is_rejected_without_running_it(
    weights: Path, tmp_path: Path, damage: Callable[[Path], Any]
) -> None:
    model = catalog()[ANIME]
    file = Path(shutil.copy(weights / ANIME / model.files[0], tmp_path))
    damage(file)
    with pytest.raises(DarkroomError) as raised:
        super_resolution.load({model.role: Weights(model, tmp_path, "random")}, Placement.for_device("cpu"))
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE
    assert f"darkroom models fetch {ANIME}" in raised.value.detail.message
    assert not (tmp_path / "it-ran").exists()


def test_damaged_safetensors_are_rejected_by_name(weights: Path, tmp_path: Path) -> None:
    model = catalog()[PHOTO]
    (tmp_path / model.files[0]).write_bytes((weights / PHOTO / model.files[0]).read_bytes()[:5000])
    with pytest.raises(DarkroomError, match=model.files[0]):
        super_resolution.load({model.role: Weights(model, tmp_path, "random")}, Placement.for_device("cpu"))


@pytest.fixture
def picture(photo: Rgb, tmp_path: Path) -> Path:
    Image.fromarray(photo).save(tmp_path / "in.png")
    return tmp_path / "in.png"


@pytest.mark.parametrize("scale", [1.01, 2, 2.5, 4])
@pytest.mark.parametrize("content", ["photo", "anime"])
def test_the_content_selects_the_network_and_scale_the_size(
    weights: Path, photo: Rgb, tmp_path: Path, scale: float, content: str
) -> None:
    crop = photo[60:140, 80:187]
    Image.fromarray(crop).save(tmp_path / "in.png")
    manager = ModelManager(WeightStore(weights), Placement.for_device("cpu"))
    params = {"scale": scale, "content": content, "format": "png"}
    context = run(tmp_path / "in.png", manager, tmp_path, params=params)
    assert context[RESULT].shape == (round(80 * scale), round(107 * scale), 3)
    named = {"photo": PHOTO, "anime": ANIME}[content]
    assert [used.id for used in context.models_used] == [named]
    expected = whole(loaded(weights, named), np.ascontiguousarray(crop), scale)
    assert np.abs(context[RESULT].astype(int) - expected).max() <= 1
    with Image.open(context[SAVED][0].path) as image:
        assert image.size == (round(107 * scale), round(80 * scale))
        assert "trainedAlgorithmicMedia" in image.info["XML:com.adobe.xmp"]
    assert 0 <= context[QUALITY].score <= 1


def test_alpha_is_enlarged_with_the_picture(tmp_path: Path, photo: Rgb) -> None:
    alpha = np.full(photo.shape[:2], 255, np.uint8)
    alpha[:, :160] = 0
    Image.fromarray(np.dstack([photo, alpha])).save(tmp_path / "in.png")
    context = run(tmp_path / "in.png", FakeNetworkProvider(enlarger_photo=PixelRepeater()), tmp_path)
    with Image.open(context[SAVED][0].path) as image:
        assert (image.mode, image.size) == ("RGBA", (1280, 960))
        large = np.asarray(image)
    assert large[500, 600, 3] == 0
    assert large[500, 700, 3] == 255
    assert np.array_equal(large[:, 640:, :3], photo[:, 160:].repeat(4, 0).repeat(4, 1))


def test_out_of_memory_retries_with_smaller_tiles(picture: Path, photo: Rgb, tmp_path: Path) -> None:
    network = PixelRepeater(most=100)
    models = FakeNetworkProvider(enlarger_photo=network)
    context = run(picture, models, tmp_path)
    assert np.array_equal(context[RESULT], photo.repeat(4, 0).repeat(4, 1))
    assert sorted({*network.sides}, reverse=True) == [240, 128, 64]
    assert models.released == 3


def test_a_job_fails_if_the_smallest_tiles_do_not_fit(picture: Path, tmp_path: Path) -> None:
    network = PixelRepeater(most=10)
    with pytest.raises(DarkroomError) as raised:
        run(picture, FakeNetworkProvider(enlarger_photo=network), tmp_path)
    assert raised.value.detail.code is ErrorCode.OUT_OF_MEMORY
    assert network.sides == [240, 240, 128, 64]


def test_the_tile_size_follows_the_free_memory(picture: Path, photo: Rgb, tmp_path: Path) -> None:
    network = PixelRepeater(room=100 * 100)
    assert np.array_equal(
        run(picture, FakeNetworkProvider(enlarger_photo=network), tmp_path)[RESULT], photo.repeat(4, 0).repeat(4, 1)
    )
    assert {*network.sides} == {96}


def test_progress_and_progress_images_are_reported_per_tile(picture: Path, tmp_path: Path) -> None:
    fractions: list[float] = []
    seen: list[Rgb] = []
    run(
        picture,
        FakeNetworkProvider(enlarger_photo=PixelRepeater(room=96**2)),
        tmp_path,
        report=lambda fraction, message: fractions.append(fraction) if "part" in message else None,
        report_progress_image=seen.append,
    )
    assert len(fractions) == 24  # six tiles by four
    assert fractions == sorted(fractions)
    assert len(seen) == upscale.MAX_PROGRESS_IMAGES
    assert all(image.shape == (192, 256, 3) for image in seen)
    brightness = [float(image.mean()) for image in seen]
    assert brightness == sorted(brightness)


def test_cancellation_takes_effect_within_a_tile(weights: Path, picture: Path, tmp_path: Path) -> None:
    fractions: list[float] = []

    def report(fraction: float, message: str) -> None:
        if "part 1 of" in message:
            fractions.append(fraction)
            if len(fractions) == 2:
                raise JobAbandoned

    manager = ModelManager(WeightStore(weights), Placement.for_device("cpu"))
    with pytest.raises(JobAbandoned):
        run(picture, manager, tmp_path, report=report)
    assert 0 < fractions[0] < fractions[1] < 1
