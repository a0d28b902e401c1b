"""Registry of plans, and the plans' own declarations."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import KINDS, VIDEO_KINDS, Kind
from pipeline import plans
from pipeline.core.stages import Slot
from pipeline.plans import available_plans, get_plan, plan_markdown, plans_markdown
from pipeline.weights.catalog import choose_models, default_models


@pytest.mark.parametrize(("kind", "engine"), available_plans())
def test_every_plan_is_what_was_asked_for_and_is_made_once(kind: Kind, engine: Engine) -> None:
    made = get_plan(kind, engine)
    assert (made.kind, made.engine) == (kind, engine)
    assert "saved" in {artifact.name for artifact in made.results}
    assert get_plan(kind, engine) is made


@pytest.mark.parametrize(("kind", "engine"), available_plans())
def test_whoever_fetches_the_models_of_a_kind_has_all_that_its_plan_uses(kind: Kind, engine: Engine) -> None:
    used = {model.id for network in get_plan(kind, engine).networks for model in choose_models(network.roles, {})}
    assert used <= {model.id for model in default_models([kind], research=True)}


def test_a_missing_engine_is_an_error_unless_the_job_accepts_the_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    upscale = KINDS[Kind.UPSCALE]
    preview_only = replace(upscale, engines={Engine.PREVIEW: upscale.engines[Engine.PREVIEW]})
    monkeypatch.setattr(plans, "KINDS", {**KINDS, Kind.UPSCALE: preview_only})
    with pytest.raises(DarkroomError, match="allow_preview") as raised:
        get_plan(Kind.UPSCALE, Engine.MODELS)
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE
    assert get_plan(Kind.UPSCALE, Engine.MODELS, allow_preview=True).engine is Engine.PREVIEW


@pytest.mark.parametrize("allow_preview", [False, True])
def test_a_kind_without_a_preview_has_none_to_accept(allow_preview: bool) -> None:
    with pytest.raises(DarkroomError, match=r"cannot do generate here\.$") as raised:
        get_plan(Kind.GENERATE, Engine.PREVIEW, allow_preview=allow_preview)
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE


@pytest.mark.parametrize(("kind", "engine"), available_plans())
def test_heavy_stages_ask_for_the_compute_slot_and_files_do_not(kind: Kind, engine: Engine) -> None:
    stages = {stage.name: stage for stage, _ in get_plan(kind, engine).steps}
    assert {stages[name].slot for name in ("load", "mask", "save") if name in stages} == {Slot.CPU}
    heavy = {name for name, stage in stages.items() if stage.slot is Slot.COMPUTE}
    if engine is Engine.PREVIEW:
        # Videos take minutes: pictures go on beside them.
        assert bool(heavy) is (kind not in VIDEO_KINDS)
    else:
        # What needs no network leaves the device to the next job.
        assert heavy == {name for name, stage in stages.items() if stage.networks}


def test_plans_are_made_and_documented_without_torch() -> None:
    code = "import sys; from pipeline.plans import plans_markdown; plans_markdown(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("kind", "engine"), available_plans())
def test_a_plan_describes_itself(kind: Kind, engine: Engine) -> None:
    made = get_plan(kind, engine)
    text = plan_markdown(made)
    for stage, _ in made.steps:
        assert f"| {stage.name}: {stage.message} |" in text
        for artifact in stage.provides:
            assert artifact.description in text


def test_the_registry_imports_no_engine_before_it_is_asked() -> None:
    code = "import sys, pipeline.plans; sys.exit('cv2' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_documented_plans_are_the_plans() -> None:
    """Renew with ``make reference``."""
    assert (Path(__file__).parents[2] / "docs" / "plans.md").read_text("utf-8") == plans_markdown() + "\n"
