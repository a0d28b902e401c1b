"""Operation counts of a photo, by full-size configurations without weights."""

from bench.__main__ import PAGE
from bench.flops import darkroom_flops, ratio, replaced_system_flops
from darkroom.contract.params import Profile
from tests.docs.pages import rows


def test_the_fast_profile_takes_a_fifth_of_the_replaced_systems_arithmetic() -> None:
    assert ratio(Profile.FAST) >= 5
    assert ratio(Profile.FAST, kept=False) > ratio(Profile.FAST)


def test_denoising_is_what_costs() -> None:
    for recipe in (darkroom_flops(Profile.QUALITY), replaced_system_flops()):
        assert recipe["diffuse"] > 0.9 * sum(recipe.values())


def test_quality_costs_no_more_than_before() -> None:
    assert ratio(Profile.QUALITY) > 0.95


def test_the_page_shows_the_counts() -> None:
    columns = (
        replaced_system_flops(),
        darkroom_flops(Profile.QUALITY),
        darkroom_flops(Profile.FAST),
        darkroom_flops(Profile.FAST, kept=False),
    )
    for stage, *cells in rows(PAGE.read_text("utf-8"), "| stage | replaced |")[:-2]:
        expected = [f"{column[stage] / 1e12:.3f}" if stage in column else "–" for column in columns]
        assert cells == expected, stage
