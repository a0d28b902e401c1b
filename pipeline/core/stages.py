"""Stages and plans: a stage declares its inputs, outputs and networks; a plan is a checked list of stages.

Stages pass values on through ``StageContext``, which enforces the declarations. So they stay true, and serve for
documentation, for checks at import and for caching.
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
from darkroom.contract.kinds import Kind
from darkroom.contract.results import ModelUsed
from darkroom.contract.video_params import MAX_VIDEO_SECONDS
from pipeline.core.intermediates import Intermediates, NoIntermediates
from pipeline.core.networks import LoadedNetworks, Network, NetworkProvider

if TYPE_CHECKING:
    from pipeline.core.arrays import Rgb
    from pipeline.speech.types import SpeechSynthesiser

T = TypeVar("T")
P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True)
class Artifact(Generic[T]):
    """A named, typed value that stages pass on. ``description`` gives shape, dtype and value range."""

    name: str
    description: str


class Slot(StrEnum):
    """Resource that a stage occupies. One job at a time holds ``COMPUTE``; any number may be in ``CPU``."""

    CPU = "cpu"
    COMPUTE = "compute"


class StageContext:
    """Context of one job, passed from stage to stage: its params, files, artifacts and services.

    - ``params``: the kind's typed params
    - ``files``: maps a role to its upload on disk
    - ``folder``: the job's own directory, removed after the job
    - ``network_provider``: loads networks; None for an engine without them
    - ``speaker``: synthesises speech from scripts; None if unavailable
    - ``max_video_seconds``: length of the longest video that the job's time allows
    - ``intermediates``: stores finished parts for the job's next attempt
    - ``report``: callback for the running stage's progress (0 to 1); it raises on cancellation and after the deadline
    - ``check``: callback that raises like ``report``, and reports nothing
    - ``report_progress_image``: callback for a small image of the unfinished picture
    - ``unsafe_progress_images``: set by a stage if progress images show content banned from the result; all of the
      job's progress images are then deleted
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
        max_video_seconds: float = MAX_VIDEO_SECONDS,
        report_progress_image: "Callable[[Rgb], None]" = lambda _picture: None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.params = params
        self.files = files
        self.folder = folder
        self.network_provider = network_provider
        self.speaker = speaker
        self.intermediates = intermediates or NoIntermediates()
        self.max_video_seconds = max_video_seconds
        self.notes: list[str] = []
        self.models_used: dict[ModelUsed, None] = {}
        self.unsafe_progress_images = False
        self._report = report
        self._report_progress_image = report_progress_image
        self._check = check
        self._values: dict[str, Any] = {}
        self._stage: Stage | None = None

    def enter_stage(
        self,
        stage: "Stage | None",
        report: Callable[[float, str], None] | None = None,
        report_progress_image: "Callable[[Rgb], None] | None" = None,
        check: Callable[[], None] | None = None,
    ) -> None:
        """Enforce ``stage``'s declarations from now on (None: no limits), and set the callbacks that are given.

        For the runner only.
        """
        self._stage = stage
        if report is not None:
            self._report = report
        if report_progress_image is not None:
            self._report_progress_image = report_progress_image
        if check is not None:
            self._check = check

    def release(self, artifact: Artifact[Any]) -> None:
        """Drop ``artifact``, which no later stage reads, to free its memory. For the runner only."""
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
        """Return the params, typed as ``kind``."""
        assert isinstance(self.params, kind)
        return self.params

    def report(self, fraction: float, message: str = "") -> None:
        """Report the running stage's progress (0 to 1). Raises ``JobAbandoned`` or ``DarkroomError`` to end the job."""
        self._report(fraction, message)

    def check(self) -> None:
        """Raise like ``report`` if the job must end, without reporting. Cheap: call it as often as you like."""
        self._check()

    def add_note(self, text: str) -> None:
        """Add a note to the result, unless it is there already."""
        if text not in self.notes:
            self.notes.append(text)

    def report_progress_image(self, picture: "Rgb") -> None:
        """Report a progress image: h×w×3 uint8 sRGB, about 256 pixels a side."""
        self._report_progress_image(picture)

    def use_networks(self, *networks: Network[Any]) -> AbstractContextManager[LoadedNetworks]:
        """Context manager that keeps the networks on the device for its block.

        Raises ``LookupError`` for a network that the stage does not declare, and ``DarkroomError``
        (``engine_unavailable``) if weights are missing or altered.
        """
        if self._stage is not None:
            undeclared = [network.name for network in networks if network not in self._stage.networks]
            if undeclared:
                raise LookupError(f"stage {self._stage.name!r} uses {', '.join(undeclared)} without declaring it")
        if self.network_provider is None:
            raise LookupError("this job has no network provider")
        self.models_used |= dict.fromkeys(self.network_provider.models_used(networks))
        return self.network_provider.use(*networks)


class Stage(ABC):
    """One step of a plan. Instances hold no job's state, so one serves many jobs at once.

    - ``networks``: all networks that it may use
    - ``optional_networks``: those of them that only some jobs need; see ``required_networks``
    - ``depends_on_params``: params that decide its output, beside the files, its inputs and its networks; None
      (unknown) keeps its output, and all that derives from it, out of the cache
    - ``cacheable``: whether its output is worth caching for another job with the same photo
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
        """Return the networks that a job with these params needs."""
        return self.networks

    @abstractmethod
    def run(self, context: StageContext) -> None:
        """Read the required artifacts from ``context`` and write the provided ones.

        Raises ``DarkroomError`` to fail the job.
        """


@dataclass(frozen=True)
class Plan:
    """The stages of a kind on one engine, each with its share of the progress. The shares add up to 1.

    Raises ``ValueError`` at construction for a missing artifact, a duplicate stage name, or shares that do not add up.
    """

    kind: Kind
    engine: Engine
    steps: tuple[tuple[Stage, float], ...]
    results: tuple[Artifact[Any], ...] = field(default=())

    @property
    def networks(self) -> tuple[Network[Any], ...]:
        """All networks that the stages may use, without duplicates."""
        return tuple(dict.fromkeys(network for stage, _ in self.steps for network in stage.networks))

    @property
    def optional_networks(self) -> tuple[Network[Any], ...]:
        """Networks that only some jobs need."""
        always = {
            network for stage, _ in self.steps for network in stage.networks if network not in stage.optional_networks
        }
        return tuple(network for network in self.networks if network not in always)

    def required_networks(self, params: BaseModel) -> tuple[Network[Any], ...]:
        """Return the networks that a job with these params needs, without duplicates."""
        return tuple(dict.fromkeys(network for stage, _ in self.steps for network in stage.required_networks(params)))

    def __post_init__(self) -> None:
        label = f"{self.kind}/{self.engine}"
        provided: set[str] = set()
        names: set[str] = set()
        for stage, share in self.steps:
            missing = [artifact.name for artifact in stage.requires if artifact.name not in provided]
            if missing:
                raise ValueError(f"{label}: stage {stage.name!r} requires {', '.join(missing)}; nothing provides it")
            if stage.name in names:
                raise ValueError(f"{label}: two stages are called {stage.name!r}")
            if not 0 <= share <= 1:
                raise ValueError(f"{label}: the share of {stage.name!r} is {share}, not within 0 to 1")
            names.add(stage.name)
            provided |= {artifact.name for artifact in stage.provides}
        if self.steps and abs(sum(share for _, share in self.steps) - 1) > 1e-6:
            raise ValueError(f"{label}: the shares add up to {sum(share for _, share in self.steps)}, not 1")
        missing_results = [artifact.name for artifact in self.results if artifact.name not in provided]
        if missing_results:
            raise ValueError(f"{label}: nothing provides {', '.join(missing_results)}")


class JobAbandoned(Exception):
    """Raised by ``StageContext.report`` when the job was cancelled or taken over by another attempt."""
