"""Plan preparer: fallbacks, preloading, and how the models engine is set up from the settings."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from containers.worker.plan_preparer import NOT_INSTALLED, PlanPreparer, create_network_provider
from containers.worker.settings import Settings
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from darkroom.contract.params import UpscaleParams
from pipeline.core.networks import MemoryInventory
from pipeline.core.runner import noop_plan
from pipeline.core.stages import Plan


def unavailable(_kind: Kind, engine: Engine, _allow_preview: bool) -> Plan:
    """Plans of the preview engine alone."""
    if engine is Engine.PREVIEW:
        return noop_plan(Kind.UPSCALE, Engine.PREVIEW)
    raise DarkroomError(ErrorCode.ENGINE_UNAVAILABLE, "There is no GPU.")


def never() -> Any:
    raise AssertionError("no network is needed")


def test_an_engine_that_is_missing_is_replaced_only_if_the_job_allows_it() -> None:
    preparer = PlanPreparer(unavailable, never)
    prepared = preparer.prepare(Kind.UPSCALE, Engine.MODELS, True, UpscaleParams())
    assert (prepared.plan.engine, prepared.network_provider) == (Engine.PREVIEW, None)
    with pytest.raises(DarkroomError, match="no GPU"):
        preparer.prepare(Kind.UPSCALE, Engine.MODELS, False, UpscaleParams())


@pytest.mark.parametrize("code", [ErrorCode.OUT_OF_MEMORY, ErrorCode.NO_FACE])
def test_another_error_is_never_replaced_by_a_preview(code: ErrorCode) -> None:
    def broken(_kind: Kind, _engine: Engine, _allow_preview: bool) -> Plan:
        raise DarkroomError(code, "No.")

    with pytest.raises(DarkroomError, match=r"No\."):
        PlanPreparer(broken, never).prepare(Kind.UPSCALE, Engine.MODELS, True, UpscaleParams())


def test_a_preview_that_is_missing_is_not_tried_twice() -> None:
    tried: list[Engine] = []

    def missing(_kind: Kind, engine: Engine, _allow_preview: bool) -> Plan:
        tried.append(engine)
        raise DarkroomError(ErrorCode.ENGINE_UNAVAILABLE, "No engine.")

    with pytest.raises(DarkroomError, match="No engine"):
        PlanPreparer(missing, never).prepare(Kind.UPSCALE, Engine.PREVIEW, True, UpscaleParams())
    assert tried == [Engine.PREVIEW]


class Provider:
    """A GPU that records which networks were used."""

    long_side = 768

    def __init__(self) -> None:
        self.used: list[str] = []

    @contextmanager
    def use(self, network: Any) -> Iterator[None]:
        self.used.append(network)
        yield

    def inventory(self) -> MemoryInventory:
        return MemoryInventory("Tesla T4", ())


def network_plan(*always: str, optional: tuple[str, ...] = ()) -> Any:
    return SimpleNamespace(networks=(*always, *optional), optional_networks=optional, kind=Kind.UPSCALE)


def test_preloading_loads_what_every_job_needs_and_survives_a_kind_that_fails() -> None:
    provider, created = Provider(), []

    def plan_for(kind: Kind, engine: Engine, allow_preview: bool) -> Any:
        assert (engine, allow_preview) == (Engine.MODELS, False)
        if kind is Kind.INPAINT:
            raise DarkroomError(ErrorCode.ENGINE_UNAVAILABLE, "Not here.")
        if kind is Kind.FACE_SWAP:
            raise ZeroDivisionError
        first, second = SimpleNamespace(name="first"), SimpleNamespace(name="second")
        return network_plan(first, second, optional=(SimpleNamespace(name="rare"),))  # type: ignore[arg-type]

    def create() -> Any:
        created.append(provider)
        return provider

    preparer = PlanPreparer(plan_for, create)
    assert preparer.inventory() == MemoryInventory(None, ())
    preparer.preload([Kind.INPAINT, Kind.FACE_SWAP, Kind.UPSCALE])
    assert [network.name for network in provider.used] == ["first", "second"]  # type: ignore[attr-defined]
    assert preparer.inventory().device == "Tesla T4"
    preparer.preload([Kind.UPSCALE])
    assert created == [provider], "it is created once"


def test_the_engine_is_set_up_as_the_settings_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[tuple[Any, Any, dict[str, Any]]] = []
    manager = SimpleNamespace(ModelManager=lambda store, placement, **options: made.append((store, placement, options)))
    device = SimpleNamespace(Placement=SimpleNamespace(for_device=lambda name: f"on {name}"))
    monkeypatch.setattr("containers.worker.plan_preparer.find_spec", lambda _name: object())
    monkeypatch.setitem(sys.modules, "pipeline.models.offload.manager", manager)
    monkeypatch.setitem(sys.modules, "pipeline.models.offload.device", device)
    values = {"jobs_table": "jobs", "ledger_table": "ledger", "bucket": "pictures", "weights": tmp_path}
    create_network_provider(Settings.model_validate(values))
    more = {"device": "cuda:1", "vram_budget_mb": 14_000, "host_budget_mb": 0, "long_side": 1024}
    replaced = {"models": {"detector": "rt-detr-r18"}, "accept_research_licence": True}
    create_network_provider(Settings.model_validate(values | more | replaced))
    assert [placement for _, placement, _ in made] == ["on auto", "on cuda:1"]
    assert [options for _, _, options in made] == [
        {"budget": None, "host_budget": None, "choices": {}, "long_side": None, "accept_research_licence": False},
        {
            "budget": 14_000_000_000,
            "host_budget": 0,
            "choices": {"detector": "rt-detr-r18"},
            "long_side": 1024,
            "accept_research_licence": True,
        },
    ]


@pytest.mark.parametrize("installed", [False, True])
def test_an_engine_that_cannot_be_imported_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: bool
) -> None:
    monkeypatch.setattr("containers.worker.plan_preparer.find_spec", lambda _name: object() if installed else None)
    monkeypatch.setitem(sys.modules, "pipeline.models.offload.device", None)
    values = {"jobs_table": "jobs", "ledger_table": "ledger", "bucket": "pictures", "weights": tmp_path}
    with pytest.raises(DarkroomError) as error:
        create_network_provider(Settings.model_validate(values))
    assert error.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE
    assert error.value.detail.message.startswith(NOT_INSTALLED)
