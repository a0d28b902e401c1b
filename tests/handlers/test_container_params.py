"""Params that a container is sent: no more than an earlier version knows."""

import pytest

from cloud.invocation import container_params
from darkroom.contract.kinds import Kind
from darkroom.contract.requests import params_model


def test_container_params_of_scenes_leave_out_defaults_at_every_depth() -> None:
    params = {
        "scenes": [
            {"type": "image", "picture": "a", "script": "Hello.", "voice": None, "seconds": None},
            {"type": "image", "picture": "b", "script": "", "transition": "cut"},
        ],
        "transition": "fade",
        "loudness": -16.0,
    }
    assert container_params(Kind.RENDER_SCENES, params) == {
        "scenes": [
            {"type": "image", "picture": "a", "script": "Hello."},
            {"type": "image", "picture": "b", "transition": "cut"},
        ]
    }


@pytest.mark.parametrize("kind", [Kind.UPSCALE, Kind.of("sketch")])
def test_params_of_a_newer_version_are_passed_on_as_they_are(kind: Kind) -> None:
    params = {"scale": 2.0, "sparkle": True}
    assert container_params(kind, params) == params


def test_containers_get_no_consent_which_earlier_versions_do_not_know() -> None:
    assert container_params(Kind.RENDER_VIDEO, {"script": "Hello.", "consent": True}) == {"script": "Hello."}
    assert container_params(Kind.FACE_SWAP, {"consent": True}) == {"consent": True}
    assert params_model(Kind.RENDER_VIDEO).model_validate({"script": "Hello."})
