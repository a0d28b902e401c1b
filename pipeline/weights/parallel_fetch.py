"""Parallel fetch of several models, which goes on when one of them fails."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial

from darkroom.contract.errors import DarkroomError
from pipeline.weights.catalog import Model
from pipeline.weights.fetch import FetchResult, Progress, fetch_model
from pipeline.weights.parallel import run_parallel
from pipeline.weights.store import WeightStore

MODELS_AT_ONCE = 4


@dataclass(frozen=True)
class FetchOutcome:
    """Outcome of one model's fetch: a result or an error."""

    model: Model
    result: FetchResult | None = None
    error: DarkroomError | None = None


def fetch_models(
    models: Sequence[Model], weight_store: WeightStore, begin: Callable[[Model], Progress]
) -> Generator[FetchOutcome, None, None]:
    """Fetch the models, several at once, and yield each one's outcome, in the order of ``models``.

    ``begin`` returns the progress callback of a model, and is called in its thread. If the caller ends early, downloads
    end at their next block and keep what they have.
    """
    tasks = [partial(_fetch, model, weight_store, begin) for model in models]
    yield from run_parallel(tasks, MODELS_AT_ONCE)


def _fetch(
    model: Model, weight_store: WeightStore, begin: Callable[[Model], Progress], check: Callable[[], None]
) -> FetchOutcome:
    check()
    report = begin(model)

    def progress(done: int, total: int) -> None:
        check()
        report(done, total)

    try:
        return FetchOutcome(model, fetch_model(model, weight_store, progress))
    except DarkroomError as error:
        return FetchOutcome(model, error=error)
