"""Fetching several files and several models at once, from a hub in this process."""

import threading

import pytest

from darkroom.contract.errors import DarkroomError
from pipeline.weights import fetch as fetch_module
from pipeline.weights import parallel
from pipeline.weights.catalog import Model
from pipeline.weights.fetch import fetch_model
from pipeline.weights.parallel_fetch import fetch_models
from pipeline.weights.store import WeightStore
from tests.pipeline.weights.hub import COMMIT, Hub
from tests.pipeline.weights.tiny_model import model


@pytest.fixture
def many(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A model of eight files that are fetched at once."""
    monkeypatch.setattr(fetch_module, "LARGE", 0)
    monkeypatch.setattr(fetch_module, "ATTEMPTS", 1)
    hub.files["someone/tiny"] |= {f"part-{index}.bin": bytes([index]) * 199_999 + b"!" for index in range(8)}
    return model(files=tuple(f"part-{index}.bin" for index in range(8)))


def test_large_files_are_fetched_at_once_with_their_progress_added_up(
    hub: Hub, weight_store: WeightStore, many: Model
) -> None:
    together = threading.Barrier(fetch_module.FILES_AT_ONCE)
    hub.before_file = lambda path: together.wait(30) if path < "part-4" else None
    seen: list[tuple[int, int]] = []
    assert fetch_model(many, weight_store, lambda done, total: seen.append((done, total))).downloaded == 1_600_000
    assert seen == sorted(seen)
    assert seen[-1] == (1_600_000, 1_600_000)
    assert weight_store.verify(many) == []


def test_a_file_that_fails_ends_the_others_and_is_named(hub: Hub, weight_store: WeightStore, many: Model) -> None:
    hub.corrupt.add("part-2.bin")
    with pytest.raises(DarkroomError, match=r"part-2\.bin is not the file it should be"):
        fetch_model(many, weight_store)
    hub.corrupt.clear()
    assert fetch_model(many, weight_store).revision == COMMIT


def test_an_interrupted_fetch_of_many_files_resumes(hub: Hub, weight_store: WeightStore, many: Model) -> None:
    def interrupt(done: int, _total: int) -> None:
        if done > 300_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_model(many, weight_store, interrupt)
    assert weight_store.record_of(many) is None
    assert fetch_model(many, weight_store).revision == COMMIT


def test_models_are_fetched_at_once_and_one_that_fails_does_not_end_the_others(
    hub: Hub, weight_store: WeightStore
) -> None:
    names = ("first", "second", "third")
    hub.files |= {f"someone/{name}": dict(hub.files["someone/tiny"]) for name in (*names, "gone")}
    del hub.files["someone/gone"]
    together = threading.Barrier(3)
    hub.before_file = lambda path: together.wait(30) if path == "config.json" else None
    wanted = [model(id=name, repository=f"someone/{name}") for name in ("first", "gone", "second", "third")]
    begun: list[str] = []

    def begin(model: Model) -> fetch_module.Progress:
        begun.append(model.id)
        return lambda _done, _total: None

    outcomes = list(fetch_models(wanted, weight_store, begin))
    assert [outcome.model.id for outcome in outcomes] == ["first", "gone", "second", "third"]
    assert [outcome.result is not None for outcome in outcomes] == [True, False, True, True]
    assert "there is no someone/gone on the hub" in str(outcomes[1].error)
    assert sorted(begun) == ["first", "gone", "second", "third"]


def test_ending_early_stops_the_downloads_that_run_and_starts_no_others(
    hub: Hub, weight_store: WeightStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [model(id=f"tiny-{index}", repository=f"someone/tiny-{index}") for index in range(12)]
    hub.files |= {each.repository: dict(hub.files["someone/tiny"]) for each in wanted}
    ended, shutdown = threading.Event(), parallel.ThreadPoolExecutor.shutdown

    def end(pool: parallel.ThreadPoolExecutor, **options: bool) -> None:
        ended.set()
        shutdown(pool, **options)

    def begin(model: Model) -> fetch_module.Progress:
        return lambda _done, _total: None if model.id == "tiny-0" else ended.wait(30) and None

    monkeypatch.setattr(parallel.ThreadPoolExecutor, "shutdown", end)
    outcomes = fetch_models(wanted, weight_store, begin)
    assert next(outcomes).model.id == "tiny-0"
    outcomes.close()
    assert [each.id for each in wanted if weight_store.record_of(each) is not None] == ["tiny-0"]
