"""Rates: those of a deployment that sets none, and which ones can be set."""

import pytest

from darkroom.contract.kinds import Kind
from handlers.limits.rates import Rate, configured_rates

USUAL = {
    "generate": (10, 60),
    "face_swap": (5, 60),
    "upscale": (5, 60),
    "find_objects": (20, 60),
    "render_video": (3, 300),
    "render_scenes": (2, 300),
    "prompts": (20, 60),
    "assets": (30, 60),
    "default": (30, 60),
}


def test_each_subject_has_its_own_rate() -> None:
    assert {name: (rate.count, rate.seconds) for name, rate in configured_rates({}).items()} == USUAL


def test_an_override_replaces_one_rate_also_of_a_kind_that_has_none() -> None:
    found = configured_rates({"prompts": "1/10", Kind.INPAINT: "2/20"})
    assert (found["prompts"], found["inpaint"]) == (Rate(1, 10), Rate(2, 20))
    assert (found["assets"], found["default"]) == (Rate(30, 60), Rate(30, 60))


@pytest.mark.parametrize("text", ["1/1", "1000000/86400", " 10/60 "])
def test_a_rate_up_to_the_limits_is_accepted(text: str) -> None:
    count, _, seconds = text.strip().partition("/")
    assert Rate.parse(text) == Rate(int(count), int(seconds))


@pytest.mark.parametrize(
    "text", ["0/60", "1/0", "1000001/60", "1/86401", "10", "10/", "/60", "-1/60", "1/60/2", "1.5/60"]
)
def test_another_rate_is_rejected_with_the_form_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="write 10/60 for ten in 60 seconds"):
        Rate.parse(text)


def test_an_unknown_subject_is_rejected_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match="did you mean 'upscale'"):
        configured_rates({"upscal": "1/1"})
    with pytest.raises(ValueError, match=r"choose among assets, default, .*upscale"):
        configured_rates({"nothing like it": "1/1"})
