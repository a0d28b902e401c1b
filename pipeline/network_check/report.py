"""Report of a check: what each trial answered, its time, memory and runtime."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError
from darkroom.contract.kinds import KINDS, Kind
from pipeline.core.arrays import Rgb
from pipeline.core.failures import translate_errors
from pipeline.core.networks import Network
from pipeline.models.offload.manager import ModelManager
from pipeline.network_check.trials import TRIALS, Trial, portrait
from pipeline.plans import get_plan
from pipeline.weights.store import is_published

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class TrialResult:
    """Result of a trial. ``verdict`` is ``ok``, ``doubtful`` (an unexpected answer) or ``failed``."""

    networks: str
    models: str
    runtime: str
    verdict: str
    words: str
    load_seconds: float = 0.0
    seconds: float = 0.0
    megabytes: float = 0.0


def run_trials(kinds: Sequence[Kind], manager: ModelManager) -> Iterator[TrialResult]:
    """Run the trial of each network that jobs of ``kinds`` may use, and yield the results."""
    plans = [get_plan(kind, Engine.MODELS) for kind in kinds if Engine.MODELS in KINDS[kind].engines]
    wanted = {network for plan in plans for network in plan.networks}
    photo = portrait()
    for trial in TRIALS:
        if wanted.issuperset(trial.networks):
            yield _run(trial, manager, photo)
            # So that each network is measured with the memory to itself.
            manager.release_idle()


def _run(trial: Trial, manager: ModelManager, photo: Rgb) -> TrialResult:
    names, models = " + ".join(network.name for network in trial.networks), ""
    started = time.perf_counter()
    try:
        with translate_errors(names, manager):
            used = manager.models_used(trial.networks)
            models = ", ".join(model.id for model in used)
            with manager.use(*trial.networks) as networks:
                loaded = time.perf_counter()
                answer = trial.run(networks, photo)
                ended = time.perf_counter()
                runtime = ", ".join(dict.fromkeys(networks[network].runtime() for network in trial.networks))
            megabytes = _megabytes(manager, trial.networks)
    except DarkroomError as error:
        return TrialResult(names, models, "", "failed", f"{error.detail.code}: {error.detail.message}")
    # Random weights, as tests have them, know no answer.
    published = all(is_published(model.revision) for model in used)
    verdict = "ok" if answer.expected or not published else "doubtful"
    return TrialResult(names, models, runtime, verdict, answer.words, loaded - started, ended - loaded, megabytes)


def _megabytes(manager: ModelManager, networks: Sequence[Network[Any]]) -> float:
    sizes = {each.name: each.size for each in manager.inventory().networks}
    return sum(sizes.get(network.name, 0) for network in networks) / MEGABYTE
