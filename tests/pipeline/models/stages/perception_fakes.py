"""Fake perception networks with given outputs, and a function that runs the stages with them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkroom.contract.params import RestyleRoomParams
from darkroom.contract.results import ModelUsed
from pipeline.core.networks import LoadedNetworks, Network
from pipeline.core.stages import Artifact, Stage, StageContext
from pipeline.models.interfaces import Detection

LONG_SIDE = 256


class FakeNetworkProvider:
    """Network provider of the fakes; ``used_networks`` records each use."""

    long_side = LONG_SIDE

    def __init__(self, networks: Mapping[Network[Any], Any]) -> None:
        self._networks = networks
        self.used_networks: list[str] = []

    @contextmanager
    def use(self, *networks: Network[Any]) -> Iterator[LoadedNetworks]:
        self.used_networks += [network.name for network in networks]
        yield LoadedNetworks({network: self._networks[network] for network in networks})

    def models_used(self, networks: Sequence[Network[Any]]) -> tuple[ModelUsed, ...]:
        return tuple(ModelUsed(id=network.name, revision="fake") for network in networks)

    def release_idle(self) -> None: ...

    def check_weights(self, networks: Sequence[Network[Any]]) -> None: ...

    def digest(self, _networks: Sequence[Network[Any]]) -> str:
        return ""


class FakeDetector:
    def __init__(self, *found: Detection) -> None:
        self.found = found

    def detect(self, _photo: NDArray[np.uint8]) -> Sequence[Detection]:
        return self.found


class FakeSegmenter:
    def segment(self, photo: NDArray[np.uint8], boxes: Sequence[Any]) -> NDArray[np.float32]:
        return np.stack([disc(photo.shape[:2], box) for box in boxes])


class FakeImageText:
    """Image-text network with a given probability for one word; the other captions share the rest evenly."""

    def __init__(self, word: str, sure: float) -> None:
        self.word, self.sure = word, sure

    def probabilities(self, _photo: NDArray[np.uint8], captions: Sequence[str]) -> NDArray[np.float32]:
        fits = np.array([self.word in caption for caption in captions])
        return np.where(fits, self.sure / fits.sum(), (1 - self.sure) / (~fits).sum()).astype(np.float32)

    similarities = probabilities


class FakeDepth:
    """Depth estimator: brighter pixels are nearer."""

    def estimate(self, photo: NDArray[np.uint8]) -> NDArray[np.float32]:
        return 3 + photo.mean(axis=2, dtype=np.float32) / 100


def disc(shape: tuple[int, ...], box: Any, size: int = 64) -> NDArray[np.float32]:
    """Logits of the ellipse within a box, on a map of size×size over a photo of ``shape``."""
    rows, columns = (np.mgrid[:size, :size] + 0.5) / size
    left, top, right, bottom = box[0] / shape[1], box[1] / shape[0], box[2] / shape[1], box[3] / shape[0]
    across = (columns - (left + right) / 2) / ((right - left) / 2)
    down = (rows - (top + bottom) / 2) / ((bottom - top) / 2)
    return (1 - across**2 - down**2).astype(np.float32)


def params(**values: Any) -> RestyleRoomParams:
    return RestyleRoomParams.model_validate({"style": "modern", **values})


def run(
    stage: Stage,
    values: Mapping[Artifact[Any], Any],
    networks: Mapping[Network[Any], Any] | None = None,
    used_networks: RestyleRoomParams | None = None,
) -> StageContext:
    """Return the context after ``stage``, run with its declarations enforced."""
    context = StageContext(used_networks or params(), {}, Path(), network_provider=FakeNetworkProvider(networks or {}))
    for artifact, value in values.items():
        context[artifact] = value
    context.enter_stage(stage)
    stage.run(context)
    context.enter_stage(None)
    return context


def black(height: int, width: int) -> NDArray[np.uint8]:
    return np.zeros((height, width, 3), np.uint8)
