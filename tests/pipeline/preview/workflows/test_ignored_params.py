"""Params that the registry says the preview engine ignores: whatever they are, the picture is the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import KINDS, Kind
from pipeline.core.artifacts import RESULT
from pipeline.core.stages import StageContext
from pipeline.plans import get_plan

# Params that the kind needs, and other values of those that are ignored.
CASES: dict[Kind, tuple[dict[str, Any], dict[str, Any]]] = {
    Kind.RESTYLE_ROOM: (
        {"style": "boho"},
        {
            "keep": ("sofa",),
            "keep_people": False,
            "prompt": "a piano",
            "negative_prompt": "plants",
            "profile": "quality",
            "steps": 3,
            "guidance": 9,
            "depth_scale": 0.1,
            "edges_scale": 0.1,
        },
    ),
    Kind.INPAINT: ({}, {"prompt": "a lamp", "negative_prompt": "a cat", "steps": 3, "guidance": 2}),
    Kind.UPSCALE: ({"scale": 2}, {"content": "anime"}),
}


def result(kind: Kind, folder: Path, params: dict[str, Any]) -> Any:
    files = {"photo": folder / "photo.png", "mask": folder / "mask.png"}
    context = StageContext(KINDS[kind].params.model_validate(params), files, folder)
    for stage, _ in get_plan(kind, Engine.PREVIEW).steps:
        context.enter_stage(stage)
        stage.run(context)
        if RESULT in context:
            break
    context.enter_stage(None)
    return context[RESULT]


@pytest.mark.parametrize("kind", CASES)
def test_an_ignored_param_changes_nothing(kind: Kind, sample: Any, tmp_path: Path) -> None:
    Image.fromarray(sample.rgb).resize((320, 240)).save(tmp_path / "photo.png")
    mask = np.zeros((240, 320), np.uint8)
    mask[100:120, 150:180] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    needed, ignored = CASES[kind]
    assert ignored.keys() == set(KINDS[kind].engines[Engine.PREVIEW].ignored_params)
    plain, other = (result(kind, tmp_path, params) for params in (needed, {**needed, **ignored}))
    assert np.array_equal(plain, other)


@pytest.mark.parametrize("kind", Kind)
def test_ignored_params_are_params_of_the_kind(kind: Kind) -> None:
    for support in KINDS[kind].engines.values():
        assert set(support.ignored_params) <= KINDS[kind].params.model_fields.keys()


def test_every_other_kind_honours_all_its_params_on_the_preview_engine() -> None:
    ignoring = {kind for kind, each in KINDS.items() if any(one.ignored_params for one in each.engines.values())}
    assert ignoring == CASES.keys()
