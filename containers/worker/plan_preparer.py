"""Plan preparer: chooses a job's plan, checks its networks, and computes engine digests.

Networks are loaded when a job first needs them, or preloaded at the start.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import pipeline
from containers.worker.settings import Settings
from darkroom import contract
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import VIDEO_KINDS, Kind
from pipeline.core.networks import MemoryInventory, Network, NetworkProvider, networks_digest
from pipeline.core.stages import Plan
from pipeline.weights.store import WeightStore

logger = logging.getLogger(__name__)

PlanFor = Callable[[Kind, Engine, bool], Plan]

NOT_INSTALLED = (
    "The models engine is not installed on this machine. Install it with: make setup-models, "
    "or pip install 'darkroom-sdk[models]'."
)


@dataclass(frozen=True)
class PreparedPlan:
    """A plan with its network provider. ``digest`` changes with its code or its models."""

    plan: Plan
    network_provider: NetworkProvider | None
    digest: str


class PlanPreparer:
    """Prepares plans for jobs. Thread-safe.

    - ``plan_for(kind, engine, allow_preview)``: returns the plan
    - ``create_provider``: creates the network provider, at its first use
    - ``digest_weights``: computes a digest of networks from their files alone, without importing their engine
    - ``synthesiser``: names the speech synthesiser, for the digest of video kinds

    All three functions may raise ``DarkroomError``.
    """

    def __init__(
        self,
        plan_for: PlanFor,
        create_provider: Callable[[], NetworkProvider],
        digest_weights: Callable[[Sequence[Network[Any]]], str] = lambda _networks: "",
        *,
        synthesiser: str = "",
    ) -> None:
        self._plan_for = plan_for
        self._create_provider = create_provider
        self._digest_weights = digest_weights
        self._synthesiser = synthesiser
        self._network_provider: NetworkProvider | None = None
        self._lock = threading.Lock()

    def prepare(self, kind: Kind, engine: Engine, allow_preview: bool, params: BaseModel) -> PreparedPlan:
        """Prepare the plan of a job. With ``allow_preview``, fall back to preview if ``engine`` is unavailable here.

        Raises ``DarkroomError`` (``engine_unavailable``) naming what is missing and how to fix it.
        """
        try:
            return self._prepared(self._plan_for(kind, engine, allow_preview), params)
        except DarkroomError as error:
            if error.detail.code is not ErrorCode.ENGINE_UNAVAILABLE or not allow_preview or engine is Engine.PREVIEW:
                raise
            logger.warning("the %s engine is not available: %s", engine, error)
            return self._prepared(self._plan_for(kind, Engine.PREVIEW, False), params)

    def preload(self, kinds: Iterable[Kind]) -> None:
        """Load the networks that every job of ``kinds`` needs on the models engine.

        Failures are logged only; jobs that need these networks will raise them.
        """
        for kind in kinds:
            try:
                plan = self._plan_for(kind, Engine.MODELS, False)
                for network in _always_required(plan):
                    with self._get_network_provider().use(network):
                        logger.info("loaded %s", network.name)
            except DarkroomError as error:
                logger.warning("%s on the models engine cannot be done here: %s", kind, error)
            except Exception:
                logger.exception("%s on the models engine cannot be done here", kind)

    def engine_digests(self, supported: Iterable[tuple[Kind, Engine]]) -> dict[tuple[Kind, Engine], str]:
        """Return the digest of each kind on each engine, without those that are unavailable here."""
        digests = {}
        for kind, engine in supported:
            try:
                digests[kind, engine] = self._digest(self._plan_for(kind, engine, False))
            except DarkroomError as error:
                logger.info("%s cannot be done on the %s engine here: %s", kind, engine, error)
            except Exception:
                logger.exception("%s cannot be done on the %s engine here", kind, engine)
        return digests

    def inventory(self) -> MemoryInventory:
        """Return the networks in memory now: none, and no device, before the first use of the models engine."""
        return self._network_provider.inventory() if self._network_provider is not None else MemoryInventory(None, ())

    def _prepared(self, plan: Plan, params: BaseModel) -> PreparedPlan:
        if not plan.networks:
            return PreparedPlan(plan, None, self._digest(plan))
        models = self._get_network_provider()
        models.check_weights(plan.required_networks(params))
        return PreparedPlan(plan, models, self._digest(plan))

    def _get_network_provider(self) -> NetworkProvider:
        with self._lock:
            self._network_provider = self._network_provider or self._create_provider()
            return self._network_provider

    def _digest(self, plan: Plan) -> str:
        """Compute the digest of everything that decides the plan's results, except differences between GPU models."""
        models = ""
        if plan.networks:
            weight_digests = "/".join(
                [
                    self._digest_weights(_always_required(plan)),
                    *map(self._optional_weights_digest, plan.optional_networks),
                ]
            )
            # The long side is part of the digest, as it decides the size of generated pictures.
            models = f"{weight_digests}/{self._get_network_provider().long_side}"
        synthesiser = self._synthesiser if plan.kind in VIDEO_KINDS else ""
        return sha256(f"{_code_digest()}\n{models}\n{synthesiser}".encode()).hexdigest()

    def _optional_weights_digest(self, network: Network[Any]) -> str:
        """Compute the digest of an optional network; an empty string if it is unavailable."""
        try:
            return self._digest_weights([network])
        except DarkroomError:
            return ""


def _always_required(plan: Plan) -> tuple[Network[Any], ...]:
    """Return the networks that every job of a plan needs."""
    return tuple(network for network in plan.networks if network not in plan.optional_networks)


def create_network_provider(settings: Settings) -> NetworkProvider:
    """Create the model manager from the settings. It verifies weights in the background.

    Raises ``DarkroomError`` (``engine_unavailable``) without torch.
    """
    if find_spec("torch") is None:
        raise DarkroomError(ErrorCode.ENGINE_UNAVAILABLE, NOT_INSTALLED)
    try:
        # Imported here, as the container also runs without torch, with the preview engine only.
        from pipeline.models.offload.device import Placement  # noqa: PLC0415
        from pipeline.models.offload.manager import ModelManager  # noqa: PLC0415
    except (ImportError, OSError) as error:
        logger.exception("the models engine cannot be loaded")
        raise DarkroomError(ErrorCode.ENGINE_UNAVAILABLE, f"{NOT_INSTALLED} ({error})") from error
    weight_store = WeightStore(settings.weights)
    weight_store.verify_in_background()
    return ModelManager(
        weight_store,
        Placement.for_device(settings.device),
        budget=_bytes(settings.vram_budget_mb),
        host_budget=_bytes(settings.host_budget_mb),
        choices=settings.models,
        long_side=settings.long_side,
        accept_research_licence=settings.accept_research_licence,
    )


def weights_digest(settings: Settings, networks: Sequence[Network[Any]]) -> str:
    """Compute the digest of the networks' recorded files, and of whether research licences are accepted.

    So cached results of research models are no longer used once their licence is not accepted any more.
    """
    digest = networks_digest(networks, WeightStore(settings.weights), settings.models)
    return f"{digest}/{settings.accept_research_licence}"


@cache
def _code_digest() -> str:
    """Compute the SHA-256 of the pipeline's and the contract's files, and of the installed packages.

    Any change in code, data or packages may change the result.
    """
    total = sha256()
    for name, version in sorted((str(each.metadata["Name"]), each.version) for each in distributions()):
        total.update(f"{name}=={version}\n".encode())
    for package in (pipeline, contract):
        folder = Path(*package.__path__)
        for path in sorted(folder.rglob("*")):
            inner = path.relative_to(folder)
            if path.is_file() and not any(part == "__pycache__" or part[0] == "." for part in inner.parts):
                total.update(inner.as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def _bytes(megabytes: int | None) -> int | None:
    return None if megabytes is None else megabytes * 1_000_000
