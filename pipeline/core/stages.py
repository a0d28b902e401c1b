"""Stages declare what they need and what they give; a plan is a checked list of them with their shares of progress.

Values pass between stages on a typed blackboard, ``StageContext``. A stage may read only what it requires, write only
what it provides and use only the networks it names, so the declarations stay true and can be documented, checked at
import and cached.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from pydantic import BaseModel

from darkroom.contract.engine import Engine
from darkroom.contract.requests import Kind
from darkroom.contract.results import ModelUsed
from pipeline.core.intermediates import Intermediates, NoIntermediates
from pipeline.core.networks import LoadedNetworks, Network, NetworkProvider

if TYPE_CHECKING:
    from pipeline.core.arrays import Rgb
    from pipeline.speech.types import SpeechSynthesiser

T = TypeVar("T")
P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True)
class Artifact(Generic[T]):
    """A named, typed value that stages hand on. ``about`` gives shape, dtype and value range."""

    name: str
    description: str


class Slot(StrEnum):
    """What a stage keeps busy. One job at a time holds ``COMPUTE``; any number may be in ``CPU``."""

    CPU = "cpu"
    COMPUTE = "compute"


class StageContext:
    """One job on its way through the stages.

    ``params`` are the kind's typed params; ``files`` maps a role to its upload on disk; ``folder`` is a directory
    of this job alone, removed after it; ``models`` has the networks, None where there are none; ``speaker`` says
    scripts, None where nobody can; ``intermediates`` keeps finished parts for the job's next attempt. ``report``
    tells the runner how far the running stage is (0 to 1) and raises when the job was cancelled or its time is up;
    ``show`` hands it a small look at the picture in the making. A stage sets ``unsafe_progress_images`` when some of
    those show what the result must not: whoever keeps them deletes them all.
    """

    def __init__(
        self,
        params: BaseModel,
        files: Mapping[str, Path],
        folder: Path,
        report: Callable[[float, str], None] = lambda _fraction, _message: None,
        *,
        network_provider: NetworkProvider | None = None,
        speaker: "SpeechSynthesiser | None" = None,
        intermediates: Intermediates | None = None,
        report_progress_image: "Callable[[Rgb], None]" = lambda _picture: None,
    ) -> None:
        self.params = params
        self.files = files
        self.folder = folder
        self.network_provider = network_provider
        self.speaker = speaker
        self.intermediates = intermediates or NoIntermediates()
        self.notes: list[str] = []
        self.models_used: dict[ModelUsed, None] = {}
        self.unsafe_progress_images = False
        self._report = report
        self._show = report_progress_image
        self._values: dict[str, Any] = {}
        self._stage: Stage | None = None

    def enter_stage(
        self,
        stage: "Stage | None",
        report: Callable[[float, str], None] | None = None,
        report_progress_image: "Callable[[Rgb], None] | None" = None,
    ) -> None:
        """Called by the runner: from here on, ``stage``'s declarations are enforced (None: no limits), ``report``, if
        given, hears how far it is, and ``show``, if given, gets the looks at it."""
        self._stage = stage
        if report is not None:
            self._report = report
        if report_progress_image is not None:
            self._show = report_progress_image

    def release(self, artifact: Artifact[Any]) -> None:
        """Called by the runner when no later stage reads ``artifact``, so that its memory can be used again."""
        self._values.pop(artifact.name, None)

    def __getitem__(self, artifact: Artifact[T]) -> T:
        if self._stage is not None and artifact not in (*self._stage.requires, *self._stage.provides):
            raise LookupError(f"stage {self._stage.name!r} reads {artifact.name!r} without requiring it")
        return cast("T", self._values[artifact.name])

    def __setitem__(self, artifact: Artifact[T], value: T) -> None:
        if self._stage is not None and artifact not in self._stage.provides:
            raise LookupError(f"stage {self._stage.name!r} writes {artifact.name!r} without providing it")
        self._values[artifact.name] = value

    def __contains__(self, artifact: Artifact[Any]) -> bool:
        return artifact.name in self._values

    def params_as(self, kind: type[P]) -> P:
        """The params as the kind that the stage belongs to defines them."""
        assert isinstance(self.params, kind)
        return self.params

    def report(self, fraction: float, message: str = "") -> None:
        """Say how far the running stage is. Raises ``JobAbandoned`` or ``DarkroomError`` to end the job here."""
        self._report(fraction, message)

    def add_note(self, text: str) -> None:
        """Say it in the result, once."""
        if text not in self.notes:
            self.notes.append(text)

    def report_progress_image(self, picture: "Rgb") -> None:
        """Give a look at the picture in the making: h×w×3 uint8 sRGB, small (some 256 pixels a side)."""
        self._show(picture)

    def use_networks(self, *networks: Network[Any]) -> AbstractContextManager[LoadedNetworks]:
        """The networks, on the device for as long as the block lasts.

        Raises ``LookupError`` for one that the stage does not declare, ``DarkroomError`` (``engine_unavailable``)
        when its weights are not there or not as they were fetched.
        """
        if self._stage is not None:
            undeclared = [network.name for network in networks if network not in self._stage.networks]
            if undeclared:
                raise LookupError(f"stage {self._stage.name!r} uses {', '.join(undeclared)} without declaring it")
        if self.network_provider is None:
            raise LookupError("this work was given no networks")
        self.models_used |= dict.fromkeys(self.network_provider.models_used(networks))
        return self.network_provider.use(*networks)


class Stage(ABC):
    """One step of a kind. Instances hold no state of a job, so one serves many at once.

    ``networks`` are those it may use, ``spared`` those of them that some jobs do without: ``needs`` says which.
    ``depends`` names the params that decide what it provides, beside the files, what it requires and its networks;
    None (nothing is known) keeps it and what follows from it out of the cache.
    ``cached``: whether what it provides is worth keeping for another job with the same photo.
    """

    name: ClassVar[str]
    message: ClassVar[str]
    slot: ClassVar[Slot] = Slot.CPU
    requires: ClassVar[tuple[Artifact[Any], ...]] = ()
    provides: ClassVar[tuple[Artifact[Any], ...]] = ()
    networks: ClassVar[tuple[Network[Any], ...]] = ()
    optional_networks: ClassVar[tuple[Network[Any], ...]] = ()
    depends_on_params: ClassVar[tuple[str, ...] | None] = None
    cacheable: ClassVar[bool] = False

    def required_networks(self, _params: BaseModel, /) -> tuple[Network[Any], ...]:
        """The networks that a job with these params, of its kind, cannot do without."""
        return self.networks

    @abstractmethod
    def run(self, context: StageContext) -> None:
        """Read what is required from ``work``, write what is provided. Raises ``DarkroomError`` to fail the job."""


@dataclass(frozen=True)
class Plan:
    """The stages of a kind on one engine, each with the share of progress it takes (the shares add up to 1).

    Raises ``ValueError`` at construction when a stage requires what no earlier one provides, when two stages share
    a name, or when the shares do not add up.
    """

    kind: Kind
    engine: Engine
    steps: tuple[tuple[Stage, float], ...]
    results: tuple[Artifact[Any], ...] = field(default=())

    @property
    def networks(self) -> tuple[Network[Any], ...]:
        """Every network that a stage may use, once."""
        return tuple(dict.fromkeys(network for stage, _ in self.steps for network in stage.networks))

    @property
    def optional_networks(self) -> tuple[Network[Any], ...]:
        """Those that some jobs do without."""
        always = {
            network for stage, _ in self.steps for network in stage.networks if network not in stage.optional_networks
        }
        return tuple(network for network in self.networks if network not in always)

    def required_networks(self, params: BaseModel) -> tuple[Network[Any], ...]:
        """The networks that a job with these params cannot do without, once."""
        return tuple(dict.fromkeys(network for stage, _ in self.steps for network in stage.required_networks(params)))

    def __post_init__(self) -> None:
        here = f"{self.kind}/{self.engine}"
        given: set[str] = set()
        names: set[str] = set()
        for stage, share in self.steps:
            missing = [artifact.name for artifact in stage.requires if artifact.name not in given]
            if missing:
                raise ValueError(f"{here}: stage {stage.name!r} requires {', '.join(missing)}; nothing provides it")
            if stage.name in names:
                raise ValueError(f"{here}: two stages are called {stage.name!r}")
            if not 0 <= share <= 1:
                raise ValueError(f"{here}: the share of {stage.name!r} is {share}, not within 0 to 1")
            names.add(stage.name)
            given |= {artifact.name for artifact in stage.provides}
        if self.steps and abs(sum(share for _, share in self.steps) - 1) > 1e-6:
            raise ValueError(f"{here}: the shares add up to {sum(share for _, share in self.steps)}, not 1")
        absent = [artifact.name for artifact in self.results if artifact.name not in given]
        if absent:
            raise ValueError(f"{here}: nothing provides {', '.join(absent)}")


class JobAbandoned(Exception):
    """Raised out of ``StageContext.report`` when the job is no longer ours: cancelled, or taken over by another
    attempt."""
