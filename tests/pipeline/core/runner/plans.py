"""Plans of test stages, and fakes for the runner: reporter, networks and clock."""

import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.params import RestyleRoomParams
from darkroom.contract.results import ModelUsed, StageTime
from pipeline.core.arrays import Rgb
from pipeline.core.networks import LoadedNetworks, Network, NetworkProvider
from pipeline.core.runner import Runner
from pipeline.core.stages import Artifact, JobAbandoned, Plan, Slot, Stage, StageContext

EARLY: Artifact[object] = Artifact("early", "anything")
LATE: Artifact[object] = Artifact("late", "anything")
DETECTOR: Network[str] = Network("eye", ("detector",), "nowhere:load")
DIFFUSION: Network[str] = Network("hand", ("diffusion",), "nowhere:load")
Action = Callable[[StageContext], None]


class RecordingReporter:
    """Reporter that records all calls; stops the job when ``stop`` returns True."""

    def __init__(self, stop: Callable[[], bool] = lambda: False) -> None:
        self.progress: list[float] = []
        self.messages: list[tuple[str, str]] = []
        self.timelines: list[tuple[StageTime, ...]] = []
        self.progress_images: list[Rgb] = []
        self.stop = stop

    def report(self, progress: float, stage: str, message: str, timeline: Sequence[StageTime]) -> None:
        self.check()
        self.progress.append(progress)
        self.messages.append((stage, message))
        self.timelines.append(tuple(timeline))

    def check(self) -> None:
        if self.stop():
            raise JobAbandoned

    def report_progress_image(self, picture: Rgb) -> None:
        self.progress_images.append(picture)


class FakeNetworkProvider:
    """Fake network provider; ``memory`` references what fills the memory, ``released`` records calls."""

    long_side = 768

    def __init__(self) -> None:
        self.released: list[bool] = []
        self.memory: weakref.ref[Any] | None = None

    def use(self, *networks: Network[Any]) -> AbstractContextManager[LoadedNetworks]:
        return nullcontext(LoadedNetworks({network: network.name for network in networks}))

    def release_idle(self) -> None:
        self.released.append(self.memory is None or self.memory() is None)

    def check_weights(self, networks: Sequence[Network[Any]]) -> None:
        pass

    def models_used(self, networks: Sequence[Network[Any]]) -> tuple[ModelUsed, ...]:
        return tuple(ModelUsed(id=network.name, revision="r1") for network in networks)

    def digest(self, networks: Sequence[Network[Any]]) -> str:
        return ",".join(network.name for network in networks)


def stage(
    action: Action,
    name: str = "only",
    *,
    slot: Slot = Slot.CPU,
    requires: tuple[Artifact[Any], ...] = (),
    provides: tuple[Artifact[Any], ...] = (),
    networks: tuple[Network[Any], ...] = (),
) -> Stage:
    body = {"name": name, "message": f"Doing {name}", "slot": slot, "requires": requires, "provides": provides}
    body["networks"] = networks
    stage_class = type(f"{name.title()}Stage", (Stage,), {**body, "run": lambda _self, context: action(context)})
    return stage_class()


def plan(*stages: Stage) -> Plan:
    return Plan(Kind.RESTYLE_ROOM, Engine.PREVIEW, tuple((each, 1 / len(stages)) for each in stages))


def new_context(folder: Path = Path(), models: NetworkProvider | None = None) -> StageContext:
    return StageContext(RestyleRoomParams(style="modern"), {}, folder, network_provider=models)


def nothing(_context: StageContext) -> None:
    pass


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0
        self.start = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds - 100)

    def runner(self) -> Runner:
        return Runner(clock=self, now=self.now)
