"""Definition of a kind: the type of an entry of the registry in ``kinds.py``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from darkroom.contract.engine import Engine
from darkroom.contract.params import Contract, Params
from darkroom.contract.uploads import AvatarReference


@dataclass(frozen=True)
class EngineSupport:
    """Support of a kind by one engine: its method in words, and the estimated seconds of a job on an instance.

    The budget is reserved from the estimate. Estimates are high on purpose: low ones would let concurrent jobs exceed
    the budget. The difference is released when the job ends. ``seconds`` is for one picture, or for the fixed part of a
    video. ``per_video_second`` is added for each second of a video. ``ignored_params`` have no effect on the engine.
    """

    method: str
    seconds: float
    per_video_second: float = 0
    ignored_params: tuple[str, ...] = ()


@dataclass(frozen=True)
class FormLayout:
    """Layout of a kind's form, as the studio shows it. Params that are not named are advanced settings.

    ``icon`` is a name of ``studio/src/ui/icon.tsx``. Params in ``beside_files`` stand beside the inputs, those in
    ``visible`` below them, and those in ``custom_panel`` are set by a panel of their own. The result is compared with
    the picture of ``compared_role``; None if a comparison shows nothing.
    """

    icon: str
    beside_files: tuple[str, ...] = ()
    visible: tuple[str, ...] = ()
    custom_panel: tuple[str, ...] = ()
    compared_role: str | None = "photo"


@dataclass(frozen=True)
class DemoSample:
    """Demo of a kind: ``files`` maps each role to a file of ``infra/commands/samples``, or to an avatar.

    ``sheet`` is the file name of the picture that compares input and result. ``photo`` is the role of the PHOTO
    argument. ``own`` and ``command`` are arguments for the suggested next command. With ``reduce``, the sample is
    made smaller first.
    """

    files: Mapping[str, str | AvatarReference]
    own: str
    command: str
    sheet: str = "before_after.png"
    params: Mapping[str, Any] = field(default_factory=dict)
    photo: str = "photo"
    reduce: bool = False


@dataclass(frozen=True)
class KindDefinition:
    """Everything that is particular to a kind.

    ``inputs`` says in words what the caller gives. The first of ``engines`` is the fallback if the deployment's default
    does not support the kind. ``rate`` limits requests per owner, such as ``10/60`` for ten in 60 seconds; without one,
    the deployment's default applies. ``demo`` needs the preview engine. So do ``drafts``: its picture is
    shown while a job of the models engine waits for a GPU.
    """

    summary: str
    inputs: str
    params: type[Params]
    uploads: type[Contract]
    engines: Mapping[Engine, EngineSupport]
    form: FormLayout
    rate: str | None = None
    makes_video: bool = False
    drafts: bool = False
    demo: DemoSample | None = None
