"""AOT-GAN's generator: the published names and shapes, and rejection of other files."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.models.networks.aot_gan import AotGan, Generator, load
from pipeline.models.offload.device import Placement
from pipeline.weights.catalog import catalog
from pipeline.weights.store import Weights

MODEL = catalog()["aot-gan-places2"]

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def tiny() -> AotGan:
    torch.manual_seed(1)
    return AotGan(Placement.for_device("cpu"), Generator(4))


def published() -> dict[str, tuple[int, ...]]:
    """Names and shapes as the checkpoint has them."""
    shapes: dict[str, tuple[int, ...]] = {}

    def convolution(name: str, out: int, into: int, side: int) -> None:
        shapes[f"{name}.weight"] = (out, into, side, side)
        shapes[f"{name}.bias"] = (out,)

    convolution("encoder.1", 64, 4, 7)
    convolution("encoder.3", 128, 64, 4)
    convolution("encoder.5", 256, 128, 4)
    for block in range(8):
        for branch in range(4):
            convolution(f"middle.{block}.block{branch:02}.1", 64, 256, 3)
        convolution(f"middle.{block}.fuse.1", 256, 256, 3)
        convolution(f"middle.{block}.gate.1", 256, 256, 3)
    convolution("decoder.0.conv", 128, 256, 3)
    convolution("decoder.2.conv", 64, 128, 3)
    convolution("decoder.4", 3, 64, 3)
    return shapes


def test_every_tensor_has_the_published_name_and_shape() -> None:
    with torch.device("meta"):
        state = Generator().state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == published()
    assert (len(state), sum(tensor.numel() for tensor in state.values())) == (108, 15_200_835)


def test_the_catalogue_recognises_the_authors_file_by_its_shapes() -> None:
    assert MODEL.original is not None
    shapes = published()
    assert MODEL.original.shapes.items() <= shapes.items()
    assert MODEL.original.tensors == len(shapes)
    assert MODEL.original.parameters == sum(math.prod(shape) for shape in shapes.values())


def test_branches_have_dilations_of_1_2_4_and_8() -> None:
    block = Generator(4).middle[0]
    assert [block.get_submodule(f"block0{n}")[1].dilation for n in range(4)] == [(1, 1), (2, 2), (4, 4), (8, 8)]


def test_the_gate_is_normalised_per_channel() -> None:
    """Reference implementation of the authors' normalisation for one channel."""
    block = Generator(1).middle[0]
    features = torch.randn(1, 4, 9, 11)
    with torch.no_grad():
        gate = block.gate(features)
        spread = gate.flatten(2).std(-1)[..., None, None]
        share = torch.sigmoid(5 * (2 * (gate - gate.mean((2, 3), keepdim=True)) / (spread + 1e-9) - 1))
        found = block.fuse(torch.cat([block.get_submodule(f"block0{n}")(features) for n in range(4)], 1))
        torch.testing.assert_close(block(features), features * (1 - share) + found * share)


def test_a_flat_gate_is_finite_in_half_precision() -> None:
    block = Generator(1).middle[0]
    for parameter in block.gate.parameters():
        parameter.data.zero_()
    assert torch.isfinite(block.half()(torch.full((1, 4, 24, 24), 3.0, dtype=torch.float16))).all()


@pytest.mark.parametrize("size", [(64, 64), (1, 1), (37, 90), (101, 66), (128, 8)])
def test_pictures_of_any_size_are_filled(tiny: AotGan, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(2)
    photo = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    fractions: list[float] = []
    filled = tiny.fill(photo, rng.random(size) > 0.5, fractions.append)
    assert (filled.shape, filled.dtype) == (photo.shape, np.uint8)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert len(fractions) == 10


def test_pixels_in_the_hole_have_no_effect(tiny: AotGan) -> None:
    rng = np.random.default_rng(3)
    photo, hole = rng.integers(0, 256, (64, 72, 3), dtype=np.uint8), np.zeros((64, 72), bool)
    hole[20:40, 20:50] = True
    other = np.where(hole[..., None], 255 - photo, photo)
    np.testing.assert_array_equal(tiny.fill(photo, hole), tiny.fill(other, hole))
    assert (tiny.fill(photo, hole) != tiny.fill(255 - photo, hole)).any()


def write(folder: Path, content: object) -> Weights:
    torch.save(content, folder / MODEL.files[0])
    return Weights(MODEL, folder, "r")


def test_a_checkpoint_is_loaded_unchanged(tmp_path: Path) -> None:
    generator = Generator(4)
    weights = write(tmp_path, generator.state_dict())
    network = load({"fill": weights}, Placement.for_device("cpu"))
    for one, other in zip(network._generator.parameters(), generator.parameters(), strict=True):
        torch.testing.assert_close(one, other)


class Hostile:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("never to be seen",))


@pytest.mark.parametrize(
    "content",
    [
        {"0.weight_orig": torch.zeros(64, 3, 4, 4)},
        {"optimG": {"state": {}, "param_groups": []}},
        {name: tensor for name, tensor in Generator(4).state_dict().items() if "gate" not in name},
        Generator(4).state_dict() | {"decoder.4.weight": torch.zeros(3, 5, 3, 3)},
        [1, 2],
        Hostile(),
    ],
    ids=["discriminator", "optimizers", "half of it", "another shape", "no dictionary", "code"],
)
def test_another_file_is_rejected_with_the_expected_one(
    tmp_path: Path, content: object, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        DarkroomError, match=r"aot-gan-places2/pytorch_model\.bin is not .*G0000000\.pt.*import"
    ) as raised:
        load({"fill": write(tmp_path, content)}, Placement.for_device("cpu"))
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE
    assert "never" not in capsys.readouterr().out


def test_an_empty_file_is_rejected_with_the_expected_one(tmp_path: Path) -> None:
    (tmp_path / MODEL.files[0]).touch()
    with pytest.raises(DarkroomError, match=r"aot-gan-places2/pytorch_model\.bin is not"):
        load({"fill": Weights(MODEL, tmp_path, "r")}, Placement.for_device("cpu"))
