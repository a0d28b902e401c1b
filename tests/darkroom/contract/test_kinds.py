"""Registry of kinds: every entry agrees with its own params and uploads."""

from importlib.resources import files

import pytest

from darkroom.contract import requests
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import KINDS, Kind
from darkroom.contract.requests import REQUEST_MODELS, params_model, upload_roles
from darkroom.contract.uploads import AvatarReference
from handlers.limits.rates import Rate


def test_every_kind_has_an_entry_in_the_order_of_the_enumeration() -> None:
    assert list(KINDS) == list(Kind)


@pytest.mark.parametrize("kind", Kind)
def test_the_form_names_params_and_roles_of_the_kind(kind: Kind) -> None:
    form = KINDS[kind].form
    named = (*form.beside_files, *form.visible, *form.custom_panel)
    assert set(named) <= params_model(kind).model_fields.keys()
    assert len(named) == len(set(named))
    assert form.compared_role is None or form.compared_role in upload_roles(kind)


@pytest.mark.parametrize("kind", Kind)
def test_the_demo_is_a_valid_request_with_samples_that_exist(kind: Kind) -> None:
    demo = KINDS[kind].demo
    assert (demo is not None) is (Engine.PREVIEW in KINDS[kind].engines)
    if demo is None:
        return
    params_model(kind).model_validate(demo.params)
    assert demo.photo in demo.files or demo.photo == "photo"
    for file in demo.files.values():
        assert isinstance(file, AvatarReference) or (files("infra.commands") / "samples" / file).is_file()


@pytest.mark.parametrize("kind", Kind)
def test_rates_and_estimates_are_usable(kind: Kind) -> None:
    definition = KINDS[kind]
    assert definition.engines
    if definition.rate is not None:
        assert Rate.parse(definition.rate).count > 0
    for support in definition.engines.values():
        assert support.method
        assert support.seconds > 0
        assert (support.per_video_second > 0) is definition.makes_video


def test_a_request_model_is_found_by_its_name() -> None:
    assert requests.UpscaleRequest is REQUEST_MODELS[Kind.UPSCALE]
    with pytest.raises(AttributeError, match="SharpenRequest"):
        _ = requests.SharpenRequest


@pytest.mark.parametrize("kind", Kind)
def test_params_and_uploads_may_be_left_out_if_they_have_no_required_field(kind: Kind) -> None:
    fields = REQUEST_MODELS[kind].model_fields
    for name, model in (("params", KINDS[kind].params), ("uploads", KINDS[kind].uploads)):
        required = any(field.is_required() for field in model.model_fields.values())
        assert fields[name].is_required() is required
