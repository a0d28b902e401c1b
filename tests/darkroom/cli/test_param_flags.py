"""Command-line flags of each kind mirror the contract, including kinds that are not written yet."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field
from typer import BadParameter
from typer.testing import CliRunner

from darkroom.cli import app
from darkroom.cli.param_flags import flags
from darkroom.cli.source_arguments import arguments
from darkroom.contract.kinds import KINDS, Kind
from darkroom.contract.params import Contract, Params
from darkroom.contract.requests import REQUEST_MODELS, upload_roles
from darkroom.contract.uploads import Upload
from tests.darkroom.fake_service import TOKEN, Service


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_is_a_command_with_its_pictures_and_params(kind: Kind) -> None:
    text = CliRunner().invoke(app, ["run", str(kind), "--help"]).stdout
    model = REQUEST_MODELS[kind].model_fields["params"].annotation
    assert model is not None
    assert [each.role for each in arguments(kind)] == list(upload_roles(kind))
    assert [each.name for each in flags(kind)] == list(model.model_fields)
    for name, field in model.model_fields.items():
        if name == "scenes":  # which come in a file
            assert ("SCENES" in text, "--scenes" in text) == (True, False)
            continue
        assert f"--{name.replace('_', '-')}" in text
        assert (field.description or "").split()[0] in text
        if field.default not in (None, "", ()) and not field.is_required():
            shown = name.replace("_", "-") if field.default is True else field.default
            assert f"[default: {shown}]" in " ".join(text.split()).replace("- ", "-")
    for role in upload_roles(kind):
        assert role.upper() in text


class LaterParams(Params):
    prompt: str = Field(description="What to see.")
    tone: Literal["warm", "cold"] = "warm"
    sharpen: bool = Field(False, description="Sharpen it.")
    guidance_scale: float = Field(7.5, gt=0, le=20)
    scenes: list[dict[str, str]] = Field([], description="The scenes.")
    keep: tuple[str, ...] = Field((), max_length=3, description="What stays.")
    looks: tuple[Literal["day", "night"], ...] = ()


class LaterUploads(Contract):
    source_face: Upload
    target_image: Upload
    mask: Upload | None = Field(None, description="White is filled.")


def test_a_new_kind_of_the_contract_becomes_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    later = replace(KINDS[Kind.UPSCALE], params=LaterParams, uploads=LaterUploads)
    monkeypatch.setattr("darkroom.contract.requests.KINDS", {**KINDS, Kind.UPSCALE: later})
    shown = arguments(Kind.UPSCALE)
    assert [(each.role, each.required) for each in shown] == [
        ("source_face", True),
        ("target_image", True),
        ("mask", False),
    ]
    assert shown[2].description == "White is filled."
    made = {each.name: each for each in flags(Kind.UPSCALE)}
    assert made["prompt"].required
    assert [each.value for each in made["tone"].annotation] == ["warm", "cold"]
    assert made["tone"].contract_value(made["tone"].annotation("cold")) == "cold"
    assert made["tone"].contract_value(made["tone"].default) is None
    assert made["sharpen"].annotation is bool
    assert made["guidance_scale"].option == "--guidance-scale"
    assert "more than 0, at most 20" in made["guidance_scale"].description
    assert made["scenes"].contract_value('[{"text": "hello"}]') == [{"text": "hello"}]
    assert "repeatable, at most 3 times" in made["keep"].description
    assert made["keep"].contract_value(["sofa", "plant"]) == ["sofa", "plant"]
    assert made["keep"].contract_value(None) is None
    assert made["keep"].contract_value([]) is None
    look = made["looks"].annotation
    assert [each.value for each in look] == ["day", "night"]
    assert made["looks"].contract_value([look("night"), look("day")]) == ["night", "day"]


def test_repeated_options_add_up_and_choices_are_those_of_the_contract(
    service: Service, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DARKROOM_ENDPOINT", service.url)
    monkeypatch.setenv("DARKROOM_TOKEN", TOKEN)
    words = ["run", "restyle_room", str(photo), "--style", "boho", "--keep", "sofa", "--keep", "Potted_Plant"]
    words += ["--profile", "quality", "--steps", "12", "--format", "png", "--no-keep-people"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    (params,) = (body["params"] for method, path, _, body in service.requests if (method, path) == ("POST", "/jobs"))
    assert params.pop("keep") == ["couch", "potted plant"]
    assert params == {"style": "boho", "profile": "quality", "steps": 12, "format": "png", "keep_people": False}


def test_an_unknown_choice_is_rejected_with_the_allowed_ones(photo: Path) -> None:
    result = CliRunner().invoke(app, ["run", "restyle_room", str(photo), "--style", "boho", "--keep", "dragon"])
    assert result.exit_code == 2
    assert "--keep" in result.stderr
    assert "unknown object 'dragon'" in result.stderr
    assert "couch" in result.stderr
    assert "sofa" in result.stderr


@pytest.fixture
def posted(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("DARKROOM_ENDPOINT", service.url)
    monkeypatch.setenv("DARKROOM_TOKEN", TOKEN)
    return service


def test_a_point_is_two_comma_separated_numbers(posted: Service, photo: Path) -> None:
    words = ["run", "restyle_room", str(photo), "--style", "boho", "--keep-at", "0.3,0.6", "--keep-at", "1,0"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    (params,) = (body["params"] for method, path, _, body in posted.requests if (method, path) == ("POST", "/jobs"))
    assert params["keep_at"] == [[0.3, 0.6], [1, 0]]


@pytest.mark.parametrize(
    ("word", "said"), [("0.3", "write 2 numbers"), ("a,b", "write 2 numbers"), ("0.3,1.5", "less than or equal to 1")]
)
def test_an_invalid_point_is_rejected_with_the_expected_format(photo: Path, word: str, said: str) -> None:
    result = CliRunner().invoke(app, ["run", "restyle_room", str(photo), "--style", "boho", "--keep-at", word])
    assert result.exit_code == 2
    assert "--keep-at" in result.stderr
    assert said in " ".join(result.stderr.replace("│", " ").split())


def test_rerun_accepts_points_as_changed_params() -> None:
    flag = next(each for each in flags(Kind.RESTYLE_ROOM) if each.name == "keep_at")
    assert flag.read("0.3,0.6 0.5,0.5") == [[0.3, 0.6], [0.5, 0.5]]
    assert flag.read("[[0.3, 0.6]]") == [[0.3, 0.6]]
    assert flag.read("null") == []
    with pytest.raises(BadParameter, match="write 2 numbers"):
        flag.read("0.3")
