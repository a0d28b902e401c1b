"""The command line of each kind mirrors the contract, also one that is yet to be written."""

from typing import Literal

import pytest
from pydantic import Field
from typer.testing import CliRunner

from client.cli import app
from client.cli import flags as flags_module
from client.cli.flags import flags, pictures
from pipeline.jobs import REQUESTS, BaseRequest, Contract, Kind, Upload, roles


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_is_a_command_with_its_pictures_and_params(kind: Kind) -> None:
    text = CliRunner().invoke(app, ["run", str(kind), "--help"]).stdout
    model = REQUESTS[kind].model_fields["params"].annotation
    assert model is not None
    assert [each.role for each in pictures(kind)] == list(roles(kind))
    assert [each.name for each in flags(kind)] == list(model.model_fields)
    for name, field in model.model_fields.items():
        assert f"--{name.replace('_', '-')}" in text
        assert (field.description or "").split()[0] in text
        if field.default is not None and not field.is_required():
            assert f"[default: {field.default}]" in " ".join(text.split())
    for role in roles(kind):
        assert role.upper() in text


class LaterParams(Contract):
    prompt: str = Field(description="What to see.")
    tone: Literal["warm", "cold"] = "warm"
    sharpen: bool = Field(False, description="Sharpen it.")
    guidance_scale: float = Field(7.5, gt=0, le=20)
    scenes: list[dict[str, str]] = Field([], description="The scenes.")


class LaterUploads(Contract):
    source_face: Upload
    target_image: Upload
    mask: Upload | None = Field(None, description="White is filled.")


class LaterRequest(BaseRequest):
    """A kind of the future."""

    kind: Literal[Kind.UPSCALE]
    params: LaterParams
    uploads: LaterUploads


def test_a_kind_added_later_appears_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(flags_module.REQUESTS, Kind.UPSCALE, LaterRequest)  # type: ignore[arg-type] # not in the union
    shown = pictures(Kind.UPSCALE)
    assert [(each.role, each.required) for each in shown] == [
        ("source_face", True),
        ("target_image", True),
        ("mask", False),
    ]
    assert shown[2].about == "White is filled."
    made = {each.name: each for each in flags(Kind.UPSCALE)}
    assert made["prompt"].required
    assert [each.value for each in made["tone"].annotation] == ["warm", "cold"]
    assert made["tone"].chosen(made["tone"].annotation("cold")) == "cold"
    assert made["tone"].chosen(made["tone"].default) is None
    assert made["sharpen"].annotation is bool
    assert made["guidance_scale"].option == "--guidance-scale"
    assert "more than 0, at most 20" in made["guidance_scale"].about
    assert made["scenes"].chosen('[{"text": "hello"}]') == [{"text": "hello"}]
