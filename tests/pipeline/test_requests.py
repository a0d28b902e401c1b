"""What may be asked for."""

import pytest
from pydantic import ValidationError

from pipeline.params import RestyleRoomParams, Room


@pytest.mark.parametrize("name", ["couch", "sofa", " Sofa ", "COUCH"])
def test_a_thing_may_be_called_what_people_call_it(name: str) -> None:
    assert RestyleRoomParams(style="modern", keep=(name,)).keep == ("couch",)


@pytest.mark.parametrize(("name", "said"), [("sofaa", "did you mean 'sofa'"), ("zzz", "choose among: person, bicycle")])
def test_a_thing_that_no_detector_knows_is_refused_with_a_way_out(name: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RestyleRoomParams(style="modern", keep=[name])


@pytest.mark.parametrize(
    "params",
    [
        {"strength": 0},
        {"steps": 0},
        {"steps": 51},
        {"guidance": 0.5},
        {"depth_scale": 2.1},
        {"edges_scale": -0.1},
        {"seed": 2**32},
        {"prompt": "x" * 501},
        {"keep": ["sofa"] * 21},
        {"profile": "slow"},
        {"format": "gif"},
        {"control_scales": [0.8]},
    ],
)
def test_values_out_of_bounds_and_unknown_names_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RestyleRoomParams(style="modern", **params)


def test_the_defaults_keep_people_and_hurry() -> None:
    params = RestyleRoomParams(style="modern", room=Room.KITCHEN)
    assert (params.keep_people, params.profile, params.format) == (True, "fast", "jpeg")
