"""Cost of previews on the cpu lane: its function's GB-seconds and requests, for a thousand jobs of each kind."""

from collections.abc import Mapping
from dataclasses import dataclass

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import KINDS, Kind
from infra.costs.templates import Resource
from infra.prices import Item, PriceTable, lambda_item

JOBS = 1000
# Length of the video that is reckoned with.
VIDEO_SECONDS = 30


@dataclass(frozen=True)
class PreviewCost:
    """Cost of ``JOBS`` previews of a kind, each of so many seconds of the function."""

    seconds: float
    usd: float


def preview_costs(function: Resource, prices: PriceTable) -> Mapping[Kind, PreviewCost]:
    """Return the cost of each kind that the preview engine supports, by the registry's estimates of its seconds."""
    item = lambda_item(function["Architectures"][0])
    costs = {}
    for kind, definition in KINDS.items():
        support = definition.engines.get(Engine.PREVIEW)
        if support is None:
            continue
        seconds = support.seconds + (VIDEO_SECONDS * support.per_video_second if definition.makes_video else 0)
        work = prices.cost(item, JOBS * seconds * function["MemorySize"] / 1024)
        costs[kind] = PreviewCost(seconds, work + prices.cost(Item.LAMBDA_REQUEST, JOBS))
    return costs
