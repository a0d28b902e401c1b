"""Reference of the kinds: the committed page and table are those of the registry."""

import pytest

from darkroom.contract.kinds import KINDS, Kind
from infra.commands.kinds_reference import PAGE, README, kinds_markdown, readme_with_table


def test_the_committed_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == kinds_markdown(), "run `make reference`"


def test_the_table_of_the_readme_is_up_to_date() -> None:
    text = README.read_text("utf-8")
    assert readme_with_table(text) == text, "run `make reference`"


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_its_params_engines_and_limits(kind: Kind) -> None:
    _, _, after = kinds_markdown().partition(f"\n## {kind}\n")
    section, _, _ = after.partition("\n## ")
    for name in KINDS[kind].params.model_fields:
        assert f"| `{name}` |" in section
    for engine, support in KINDS[kind].engines.items():
        assert f"- `{engine}`: {support.method}. Estimate: {support.seconds:g} s" in section
    assert "requests in" in section


def test_values_and_defaults_are_those_of_the_contract() -> None:
    page = kinds_markdown()
    assert "| `scale` | number, above 1, at most 4 | `2.0` | Factor of width and height. |" in page
    assert "| `profile` | `fast`, `quality` | `fast` |" in page
    assert "| `consent` | `true` | required |" in page


def test_a_readme_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="has no <!-- kinds"):
        readme_with_table("# Darkroom\n")
