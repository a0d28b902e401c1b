"""Cost of previews: GB-seconds of the cpu lane's function."""

import pytest

from darkroom.contract.kinds import Kind
from infra.costs.previews import preview_costs
from infra.costs.report import Costs, markdown
from infra.costs.templates import Templates
from infra.names import CPU_FUNCTION
from infra.prices import PriceTable
from tests.infra.template import Assembly, Template


def test_a_thousand_previews_cost_their_gigabyte_seconds(core: Template) -> None:
    found = preview_costs(core.function(CPU_FUNCTION), PriceTable.read())
    upscale = found[Kind.UPSCALE]
    assert upscale.usd == pytest.approx(1000 * (upscale.seconds * 3008 / 1024 * 0.0000133334 + 0.0000002))
    assert Kind.GENERATE not in found
    assert found[Kind.RENDER_VIDEO].seconds == 65


def test_an_intel_processor_has_its_own_price() -> None:
    function = {"MemorySize": 1024, "Architectures": ["x86_64"]}
    cost = preview_costs(function, PriceTable.read())[Kind.UPSCALE]
    assert cost.usd == pytest.approx(1000 * (cost.seconds * 0.0000166667 + 0.0000002))


def test_the_documentation_has_the_lane(cloud: Assembly) -> None:
    costs = Costs.of(Templates.read(cloud.folder))
    assert f"| `upscale` | 5 | {costs.previews[Kind.UPSCALE].usd:.2f} |" in markdown(costs)
