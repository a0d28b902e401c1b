"""Costs in the documentation: what the templates of the defaults and the price table add up to."""

import re
from pathlib import Path

import pytest

from darkroom.contract.kinds import Kind
from infra.costs import report
from infra.costs.report import OPERATING, README, Costs
from infra.costs.templates import Templates
from tests.infra.template import Assembly


@pytest.fixture(scope="session")
def costs(cloud: Assembly) -> Costs:
    """The costs of the fixture's templates; what its context adds to the defaults costs nothing idle."""
    return Costs.of(Templates.read(cloud.folder))


def test_the_section_on_costs_is_up_to_date(costs: Costs) -> None:
    text = OPERATING.read_text("utf-8")
    assert report.operating_with_costs(text, costs) == text, "run `make reference`"


def test_the_readmes_idle_cost_is_up_to_date(costs: Costs) -> None:
    text = README.read_text("utf-8")
    assert report.readme_with_costs(text, costs) == text, "run `make reference`"


def test_the_documented_items_add_up_to_the_documented_sum() -> None:
    _, _, table = OPERATING.read_text("utf-8").partition("| item | counted, in 30 days | USD |")
    *items, total = [float(usd) for usd in re.findall(r"\| \**(\d+\.\d\d)\** \|\n", table.partition("\n\n")[0] + "\n")]
    assert total == pytest.approx(sum(items), abs=0.005 * len(items))
    assert f"about ${total:.2f} a month" in README.read_text("utf-8")


def test_every_kind_has_its_costs_or_is_said_to_have_none(costs: Costs) -> None:
    page = report.markdown(costs)
    _, _, missing = page.partition("Not counted: ")
    assert all((f"| `{kind}` |" in page) != (f"`{kind}`" in missing.partition("\n")[0]) for kind in Kind)
    for cost in costs.jobs.values():
        assert min(cost.gateway, cost.functions, cost.messages, cost.s3, cost.dynamodb, cost.logs) > 0


def test_a_page_without_markers_is_refused(costs: Costs) -> None:
    with pytest.raises(ValueError, match="there is no <!-- costs"):
        report.operating_with_costs("# Operating\n", costs)


def test_writing_renews_both_files(costs: Costs, tmp_path: Path) -> None:
    operating, readme = tmp_path / "operating.md", tmp_path / "README.md"
    for page in (operating, readme):
        page.write_text(f"before\n{report.BEGIN}stale{report.END}\nafter\n")
    report.write(costs, operating, readme)
    assert f"| **sum** | | **{costs.idle_usd:.2f}** |" in operating.read_text()
    assert readme.read_text() == f"before\n{report.BEGIN}about ${costs.idle_usd:.2f} a month{report.END}\nafter\n"
