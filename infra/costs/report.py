"""Report of the costs: tables for a terminal, and the sections of the documentation that are generated from them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from textwrap import fill

from rich.console import Group
from rich.table import Table

from darkroom.contract.jobs import State
from darkroom.contract.kinds import Kind
from infra.bundling.functions import ROOT
from infra.costs.idle import IdleCost, idle_costs
from infra.costs.job_costs import JobCost, job_cost
from infra.costs.job_counts import COMMAND, MeasuredCounts
from infra.costs.previews import JOBS, VIDEO_SECONDS, PreviewCost, preview_costs
from infra.costs.templates import Templates
from infra.prices import Item, PriceTable

OPERATING = ROOT / "docs" / "operating.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- costs: written by `make reference` -->", "<!-- /costs -->"
SERVICES = ("API Gateway", "Lambda", "SQS, SNS, events", "S3", "DynamoDB", "logs")
WIDTH = 120
JOB_METRICS = 2 + sum(state.terminal for state in State)  # cloud.observability: created, seconds, and each end


@dataclass(frozen=True)
class Costs:
    """Costs of a deployment: idle by the month, of a job of each kind that was counted, and of previews on the lane."""

    prices: PriceTable
    counts: MeasuredCounts
    idle: list[IdleCost]
    jobs: dict[Kind, JobCost]
    previews: Mapping[Kind, PreviewCost]

    @classmethod
    def of(cls, templates: Templates) -> "Costs":
        """Compute the costs of a deployment with these templates."""
        prices, counts = PriceTable.read(), MeasuredCounts.read()
        memory = max(function["MemorySize"] for function in templates.functions().values())
        jobs = {kind: job_cost(each, prices, memory=memory) for kind, each in counts.kinds.items()}
        lane = templates.cpu_lane()
        previews = preview_costs(lane, prices) if lane else {}
        return cls(prices, counts, idle_costs(templates, prices), jobs, previews)

    @property
    def idle_usd(self) -> float:
        """Return US dollars a month without jobs."""
        return sum(item.usd for item in self.idle)


def tables(costs: Costs) -> Group:
    """Return the tables for a terminal."""
    idle = Table("item", "counted", "USD", title=f"Idle, 30 days, {costs.prices.region}, {costs.prices.date}")
    idle.columns[2].justify = "right"
    for item in costs.idle:
        idle.add_row(item.name.replace("`", ""), item.counted, f"{item.usd:.2f}", end_section=item is costs.idle[-1])
    idle.add_row("sum", "", f"{costs.idle_usd:.2f}")
    jobs = Table("kind", *SERVICES, "sum", title="Control plane of a job, millionths of a dollar")
    for column in jobs.columns[1:]:
        column.justify = "right"
    for kind, cost in costs.jobs.items():
        jobs.add_row(kind, *_millionths(cost))
    previews = Table("kind", "seconds", "USD", title=f"{JOBS:,} previews on the cpu lane")
    for column in previews.columns[1:]:
        column.justify = "right"
    for kind, found in costs.previews.items():
        previews.add_row(kind, f"{found.seconds:g}", f"{found.usd:.2f}")
    return Group(idle, jobs, previews)


def markdown(costs: Costs) -> str:
    """Return the generated section of ``docs/operating.md``."""
    prices = costs.prices
    lines = [
        f"**What it costs when idle**: about {_usd(costs.idle_usd)} a month. It is computed by `python -m infra.costs` "
        f"from the synthesized templates and list prices of {prices.region} of {prices.date}, without AWS's free tier. "
        "It was never billed. No instance runs while nothing waits, so the GPU costs nothing, and neither does the "
        "cpu lane's function.",
        "",
        "| item | counted, in 30 days | USD |",
        "| --- | --- | ---: |",
        *(f"| {item.name} | {item.counted} | {item.usd:.2f} |" for item in costs.idle),
        f"| **sum** | | **{costs.idle_usd:.2f}** |",
        "",
        "What is stored comes on top, for each GB a month: pictures and weights in S3 "
        f"{_usd_a_gigabyte(prices, Item.S3_STORAGE)}, each container image in ECR "
        f"{_usd_a_gigabyte(prices, Item.IMAGE_STORAGE)}, tables {_usd_a_gigabyte(prices, Item.DYNAMODB_STORAGE)}, and "
        f"{_usd_a_gigabyte(prices, Item.DYNAMODB_RECOVERY)} for their point-in-time recovery.",
        "",
        "**What the control plane of a job costs**, in millionths of a dollar, without GPU, storage and transfer. "
        f"Calls, runs and messages were counted on {costs.counts.date} by `{COMMAND}`, on the emulator and the "
        "preview engine behind the endpoint's stand-in. Each kind's sample was run "
        f"{_times(costs.counts.jobs)}, watched over the WebSocket. Nothing came from the cache. A job that "
        "runs for longer reports its progress more often. Times of functions are assumed.",
        "",
        f"| kind | {' | '.join(SERVICES)} | sum |",
        f"| --- | {' | '.join('---:' for _ in SERVICES)} | ---: |",
        *(f"| `{kind}` | {' | '.join(_millionths(cost))} |" for kind, cost in costs.jobs.items()),
        "",
        _not_counted(costs),
        "",
        *_preview_lines(costs),
        f"X-Ray is off. `tracing=true` adds {prices.cost(Item.TRACE, 1) * 1e6:g} millionths for each sampled trace. "
        f"While jobs run, {JOB_METRICS} metrics of jobs and the spend guard's cost at most "
        f"{_usd(prices.cost(Item.CUSTOM_METRIC, JOB_METRICS + 1))} a month.",
        "",
        "The prices, with unit and source of each, are in [prices.toml](../infra/prices.toml). What is assumed "
        "is in [usage.toml](../infra/costs/usage.toml).",
    ]
    return "\n".join(line if line.startswith("|") else _wrapped(line) for line in lines)


def operating_with_costs(text: str, costs: Costs) -> str:
    """Return the text of ``docs/operating.md`` with the section between its markers renewed."""
    return _between_markers(text, f"\n{markdown(costs)}\n")


def readme_with_costs(text: str, costs: Costs) -> str:
    """Return the text of ``README.md`` with the idle cost between its markers renewed."""
    return _between_markers(text, f"about {_usd(costs.idle_usd)} a month")


def write(costs: Costs, operating: Path = OPERATING, readme: Path = README) -> None:
    """Renew both files. Raises ``ValueError`` for one without markers."""
    operating.write_text(operating_with_costs(operating.read_text("utf-8"), costs), "utf-8")
    readme.write_text(readme_with_costs(readme.read_text("utf-8"), costs), "utf-8")


def _between_markers(text: str, content: str) -> str:
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"there is no {BEGIN} … {END}")
    return pattern.sub(lambda _: f"{BEGIN}{content}{END}", text)


def _preview_lines(costs: Costs) -> Iterator[str]:
    """Yield the table of previews, with an empty line after it."""
    if not costs.previews:
        return
    yield (
        f"**What {JOBS:,} previews cost** on [the cpu lane](#the-cpu-lane), at its default memory: the function's "
        "GB-seconds and requests. The seconds are the registry's estimates, from which budgets are reserved too; they "
        f"are high on purpose. A video is reckoned with {VIDEO_SECONDS} seconds. None has run on Lambda yet."
    )
    yield ""
    yield "| kind | seconds | USD |"
    yield "| --- | ---: | ---: |"
    for kind, found in costs.previews.items():
        yield f"| `{kind}` | {found.seconds:g} | {found.usd:.2f} |"
    yield ""


def _not_counted(costs: Costs) -> str:
    """Return a sentence on kinds without figures: those without a preview, and those newer than the count."""
    missing = [f"`{kind}`" for kind in Kind if kind not in costs.jobs]
    return f"Not counted: {', '.join(missing)}." if missing else "Every kind was counted."


def _millionths(cost: JobCost) -> list[str]:
    return [f"{usd * 1e6:.0f}" for usd in (*astuple(cost), cost.total)]


def _wrapped(line: str) -> str:
    return fill(line, WIDTH, break_on_hyphens=False, break_long_words=False)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _usd_a_gigabyte(prices: PriceTable, item: Item) -> str:
    return f"${prices.cost(item, 1):.3f}".removesuffix("0")


def _usd(usd: float) -> str:
    return f"${usd:.2f}"
