"""Operation counts of a photo, by full-size configurations without weights."""

from bench.flops import darkroom_flops, ratio, replaced_system_flops
from darkroom.contract.params import Profile


def test_the_fast_profile_takes_a_fifth_of_the_replaced_systems_arithmetic() -> None:
    assert ratio(Profile.FAST) >= 5
    assert ratio(Profile.FAST, kept=False) > ratio(Profile.FAST)


def test_denoising_is_what_costs() -> None:
    for recipe in (darkroom_flops(Profile.QUALITY), replaced_system_flops()):
        assert recipe["diffuse"] > 0.9 * sum(recipe.values())


def test_quality_costs_no_more_than_before() -> None:
    assert ratio(Profile.QUALITY) > 0.95
