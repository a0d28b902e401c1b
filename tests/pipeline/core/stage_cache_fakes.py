"""Test harness for the stage cache: fake stages, networks and reporter."""

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.params import RestyleRoomParams
from darkroom.contract.results import ModelUsed
from pipeline.core.arrays import Rgb
from pipeline.core.networks import LoadedNetworks, Network
from pipeline.core.runner import PlanResult, Runner
from pipeline.core.stage_cache import StageCache
from pipeline.core.stages import Artifact, Plan, Slot, Stage, StageContext

PHOTO_BYTES: Artifact[Any] = Artifact("sheet", "the photo's bytes")
FOUND: Artifact[Any] = Artifact("found", "anything made of the sheet")
STYLED: Artifact[Any] = Artifact("styled", "anything made of what was found")
NETWORK: Network[str] = Network("eye", ("detector",), "nowhere:load")
OTHER_NETWORK: Network[str] = Network("other", ("depth",), "nowhere:load")


class FakeNetworkProvider:
    """Fake network provider with a given digest and working size."""

    def __init__(self, revision: str = "r1", long_side: int = 768) -> None:
        self.revision = revision
        self.long_side = long_side

    def use(self, *networks: Network[Any]) -> AbstractContextManager[LoadedNetworks]:
        return nullcontext(LoadedNetworks({network: network.name for network in networks}))

    def release_idle(self) -> None:
        pass

    def check_weights(self, networks: Sequence[Network[Any]]) -> None:
        pass

    def models_used(self, networks: Sequence[Network[Any]]) -> tuple[ModelUsed, ...]:
        return tuple(ModelUsed(id=network.name, revision=self.revision) for network in networks)

    def digest(self, networks: Sequence[Network[Any]]) -> str:
        return ",".join(f"{network.name}@{self.revision}" for network in networks)


class RecordingReporter:
    """Reporter that records the progress."""

    def __init__(self) -> None:
        self.progress: list[float] = []

    def report(self, progress: float, *_arguments: object) -> None:
        self.progress.append(progress)

    def check(self) -> None:
        pass

    def report_progress_image(self, picture: Rgb) -> None:
        pass


class LoadStage(Stage):
    name = "load"
    message = "Loading"
    provides = (PHOTO_BYTES,)
    depends_on_params = ()

    def run(self, context: StageContext) -> None:
        context[PHOTO_BYTES] = context.files["photo"].read_bytes()


class FindStage(Stage):
    """Stage that counts its runs, adds a note and uses one of its two networks."""

    name = "find"
    message = "Finding"
    slot = Slot.COMPUTE
    requires = (PHOTO_BYTES,)
    provides = (FOUND,)
    networks = (NETWORK, OTHER_NETWORK)
    depends_on_params = ("keep",)
    cacheable = True

    def __init__(self) -> None:
        self.runs = 0

    def run(self, context: StageContext) -> None:
        self.runs += 1
        with context.use_networks(NETWORK):
            context[FOUND] = np.full((4, 4), len(context[PHOTO_BYTES]), np.uint8)
        context.notes.append("Found with care.")


class RestyleStage(Stage):
    """Stage that counts its runs; not cacheable."""

    name = "restyle"
    message = "Restyling"
    requires = (FOUND,)
    provides = (STYLED,)
    depends_on_params = ("style",)

    def __init__(self) -> None:
        self.runs = 0

    def run(self, context: StageContext) -> None:
        self.runs += 1
        context.notes.append("Restyled.")
        context[STYLED] = context.params, context[FOUND].sum()


class CacheHarness:
    """Test harness: one runner with a stage cache, and jobs of one plan with three stages."""

    def __init__(self, folder: Path, cache: StageCache | None = None, slot: threading.Semaphore | None = None) -> None:
        self.folder = folder
        self.find, self.restyle = FindStage(), RestyleStage()
        self.plan = Plan(
            Kind.RESTYLE_ROOM,
            Engine.MODELS,
            ((LoadStage(), 0.2), (self.find, 0.3), (self.restyle, 0.5)),
            results=(FOUND, STYLED),
        )
        self.runner = Runner(slot, cache=cache or StageCache())
        self.reporter = RecordingReporter()

    def job(
        self, photo: bytes = b"photo", provider: FakeNetworkProvider | None = None, **params: Any
    ) -> tuple[PlanResult, StageContext]:
        path = self.folder / f"{len(list(self.folder.iterdir()))}"
        path.write_bytes(photo)
        typed = RestyleRoomParams(**{"style": "modern", **params})
        context = StageContext(typed, {"photo": path}, self.folder, network_provider=provider or FakeNetworkProvider())
        self.reporter = RecordingReporter()
        return self.runner.run(self.plan, context, self.reporter), context
