"""Model catalogue, as data and as its document."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from darkroom.contract.kinds import Kind
from pipeline.weights.catalog import ROLES, Model, catalog, catalog_markdown, choose_models, default_models
from tests.paths import ROOT


def test_every_role_has_exactly_one_default() -> None:
    for role in ROLES:
        assert len([model for model in catalog().values() if model.role == role and model.default]) == 1


def test_only_known_models_are_pickles() -> None:
    # CTranslate2's model.bin is numbers and their names.
    others = [model for model in catalog().values() if model.layout != "ctranslate2"]
    suffixes = {model.id: {Path(file).suffix for file in model.files} for model in others}
    plain = {".safetensors", ".json", ".txt", ".onnx"}
    pickles = {each for each, found in suffixes.items() if not found <= plain}
    assert pickles == {"yolo11n", "realesrgan-x4plus-anime", "aot-gan-places2", "ditto"}


def test_the_operators_choice_replaces_a_default() -> None:
    assert [model.id for model in choose_models(("detector", "depth"), {})] == ["yolo11n", "depth-anything-v2-small"]
    assert [model.id for model in choose_models(("detector", "depth"), {"detector": "rt-detr-r18"})] == [
        "rt-detr-r18",
        "depth-anything-v2-small",
    ]


@pytest.mark.parametrize("named", ["sd15", "nobody"])
def test_an_invalid_choice_names_the_available_models(named: str) -> None:
    with pytest.raises(ValueError, match=f"{named}.*yolo11n, rt-detr-r18"):
        choose_models(("detector",), {"detector": named})


def test_every_kind_has_models_for_commercial_use() -> None:
    research = {model.role for model in catalog().values() if model.research_only}
    assert research == {"face_analysis", "face_swapper", "animator"}  # of which the preview engine does without
    for role in ROLES.keys() - research:
        assert any(model.commercial for model in catalog().values() if model.role == role)


def test_research_models_are_no_default_unless_accepted() -> None:
    assert not any(model.research_only for model in default_models())
    more = set(default_models([Kind.FACE_SWAP], research=True)) - set(default_models([Kind.FACE_SWAP]))
    assert {model.id for model in more} == {"buffalo-l", "inswapper-128"}
    assert not any(model.commercial for model in more)


def test_the_defaults_are_those_of_the_requested_kinds() -> None:
    for kind in Kind:
        needed = {model.id for model in default_models([kind])}
        assert all(kind in catalog()[each].kinds for each in needed)
        assert needed <= {model.id for model in default_models()}
    assert {"sd15", "control-depth"} <= {model.id for model in default_models([Kind.RESTYLE_ROOM])}
    assert "sd15" not in {model.id for model in default_models([Kind.UPSCALE])}


@pytest.mark.parametrize(
    "wrong",
    [
        {"files": ["../outside"]},
        {"files": ["/etc/passwd"]},
        {"files": ["a//b"]},
        {"files": ["a\\b"]},
        {"files": []},
        {"role": "cook"},
        {"id": "../sd15"},
        {"colour": "red"},
    ],
)
def test_an_invalid_entry_is_rejected(wrong: dict[str, object]) -> None:
    right = catalog()["sd15"].model_dump()
    assert Model.model_validate(right) == catalog()["sd15"]
    with pytest.raises(ValidationError):
        Model.model_validate({**right, **wrong})


def test_models_are_pinned_to_commits_if_possible() -> None:
    assert [model.id for model in catalog().values() if not model.pinned] == [
        "dpt-large",
        "realesrgan-x4plus-anime",
        "ditto",
    ]


def test_reading_the_catalogue_imports_no_heavy_library() -> None:
    heavy = "'torch', 'numpy', 'huggingface_hub', 'rich'"
    code = f"import sys, pipeline.weights.fetch; sys.exit(any(name in sys.modules for name in ({heavy})))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_models_document_is_up_to_date() -> None:
    """Renew ``docs/models.md`` as CONTRIBUTING.md says."""
    assert (ROOT / "docs" / "models.md").read_text("utf-8") == catalog_markdown() + "\n"


def test_the_image_has_the_pinned_program() -> None:
    dockerfile = (ROOT / "containers" / "gpu" / "Dockerfile").read_text("utf-8")
    for model in catalog().values():
        if model.program is not None:
            fetched = f"https://github.com/{model.program.repository}.git {model.program.commit}"
            assert fetched in dockerfile
            assert f"/opt/{model.id}\n" in dockerfile
