"""The registry of plans, and the plans' own declarations."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import DarkroomError, ErrorCode
from pipeline.kinds import available, describe, document, plan
from pipeline.requests import Engine, Kind
from pipeline.stages import Slot


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_preview(kind: Kind) -> None:
    made = plan(kind, Engine.PREVIEW)
    assert (made.kind, made.engine) == (kind, Engine.PREVIEW)
    assert {"saved", "quality"} <= {artifact.name for artifact in made.results}
    assert plan(kind, Engine.PREVIEW) is made


def test_a_missing_engine_is_an_error_unless_the_job_accepts_the_preview() -> None:
    with pytest.raises(DarkroomError, match="allow_preview") as caught:
        plan(Kind.UPSCALE, Engine.MODELS)
    assert caught.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE
    assert plan(Kind.UPSCALE, Engine.MODELS, allow_preview=True).engine is Engine.PREVIEW


@pytest.mark.parametrize(("kind", "engine"), available())
def test_heavy_stages_ask_for_the_compute_slot_and_files_do_not(kind: Kind, engine: Engine) -> None:
    stages = {stage.name: stage for stage, _ in plan(kind, engine).steps}
    assert stages.pop("load").slot is Slot.CPU
    assert stages.pop("save").slot is Slot.CPU
    if engine is Engine.PREVIEW:
        assert {stage.slot for stage in stages.values()} == {Slot.COMPUTE}
    else:
        # What needs no network leaves the device to the next job.
        assert {stage.name for stage in stages.values() if stage.slot is Slot.COMPUTE} == {
            stage.name for stage in stages.values() if stage.networks
        }


def test_plans_are_made_and_documented_without_torch() -> None:
    code = "import sys; from pipeline.kinds import document; document(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("kind", "engine"), available())
def test_a_plan_describes_itself(kind: Kind, engine: Engine) -> None:
    made = plan(kind, engine)
    text = describe(made)
    for stage, _ in made.steps:
        assert f"| {stage.name}: {stage.message} |" in text
        for artifact in stage.provides:
            assert artifact.about in text


def test_the_registry_imports_no_engine_before_it_is_asked() -> None:
    code = "import sys, pipeline.kinds; sys.exit('cv2' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_documented_plans_are_the_plans() -> None:
    """Renew with ``python -c "from pipeline.kinds import document; print(document())" > docs/plans.md``."""
    assert (Path(__file__).parents[2] / "docs" / "plans.md").read_text("utf-8") == document() + "\n"
