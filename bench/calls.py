"""Call counts: what one job uses of AWS, beside the minimal chain, which runs on the same emulator.

Jobs run one by one. Each is counted several times, so that the table shows what is the same each time and what depends
on how the emulator batches stream records. CPU time is measured without the call log, over more jobs.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

from pydantic import BaseModel

from bench.context import Context
from bench.control_plane.__main__ import counting_stack, measure_kind, run_sample
from bench.control_plane.cpu_time import cpu_seconds
from bench.control_plane.job_usage import SAGEMAKER, JobUsage, UsageMeter
from bench.event_path import load_target
from bench.load_client import LoadTarget, Watcher, run_load
from bench.minimal_chain.chain import minimal_chain
from bench.section import Section
from darkroom.client.client import Client
from darkroom.contract.kinds import Kind
from infra.costs.job_costs import job_cost
from infra.local.stack import LocalStack
from infra.prices import PriceTable

MINIMAL_UNWATCHED, MINIMAL_WATCHED = "minimal chain", "minimal chain, watched"
EMPTY_UNWATCHED, EMPTY_WATCHED = "empty plan", "empty plan, watched"
KINDS = (Kind.RESTYLE_ROOM, Kind.INPAINT)
SCENARIOS = (MINIMAL_UNWATCHED, MINIMAL_WATCHED, EMPTY_UNWATCHED, EMPTY_WATCHED, *(f"`{kind}`" for kind in KINDS))
REPEATS = 5
CPU_JOBS = 30  # of which CPU time is a mean, as it is counted in hundredths of a second
CPU_SAMPLES = 3  # jobs of a kind
MEMORY = 512  # megabytes of a function

Figures = dict[str, float]


class CallCount(BaseModel):
    """One line of the table: ``figures`` by scenario, one for each time that it was counted."""

    what: str
    figures: dict[str, list[float]]


@dataclass(frozen=True)
class Scenario:
    """One kind of job: ``count`` runs and counts one, ``cpu`` returns the CPU milliseconds by process of one."""

    name: str
    count: Callable[[], JobUsage]
    cpu: Callable[[], Figures]


def measure(context: Context) -> list[CallCount]:
    """Count every scenario on stacks of their own: one whose stages do nothing, one of the preview engine."""
    repeats = 1 if context.quick else REPEATS
    figures: dict[str, list[Figures]] = {}
    with counting_stack(stages="noop") as stack, minimal_chain(stack) as minimal:
        meter = UsageMeter(stack)
        for scenario in _empty(stack, minimal, meter, quick=context.quick):
            figures[scenario.name] = _measure(scenario, meter, repeats)
    with counting_stack() as stack:
        meter = UsageMeter(stack)
        for scenario in _kinds(stack, meter, quick=context.quick):
            figures[scenario.name] = _measure(scenario, meter, repeats)
    lines = dict.fromkeys(line for each in figures.values() for one in each for line in one)
    return [
        CallCount(what=line, figures={name: [one.get(line, 0) for one in each] for name, each in figures.items()})
        for line in sorted(lines, key=_order)
    ]


def _empty(stack: LocalStack, minimal: LoadTarget, meter: UsageMeter, *, quick: bool) -> Iterator[Scenario]:
    own = load_target(stack)
    for name, target, watcher, runs in (
        (MINIMAL_UNWATCHED, minimal, Watcher.NOBODY, 2),
        (MINIMAL_WATCHED, minimal, Watcher.SOCKET, 2),  # it is told of $connect and $disconnect
        (EMPTY_UNWATCHED, own, Watcher.NOBODY, 0),
        (EMPTY_WATCHED, own, Watcher.SOCKET, 0),
    ):

        def run(target: LoadTarget = target, watcher: Watcher = watcher, jobs: int = 1) -> str:
            return next(iter(asyncio.run(run_load(target, 1, jobs, watcher)).uploaded))

        jobs = 3 if quick else CPU_JOBS
        yield Scenario(
            name,
            count=lambda run=run, target=target, runs=runs: meter.measure(target, run, runs_per_connection=runs),  # type: ignore[misc]
            cpu=lambda run=run, target=target, jobs=jobs: _cpu(target, jobs, lambda: run(jobs=jobs)),  # type: ignore[misc]
        )


def _kinds(stack: LocalStack, meter: UsageMeter, *, quick: bool) -> Iterator[Scenario]:
    target = load_target(stack)
    jobs = 1 if quick else CPU_SAMPLES
    for kind in KINDS:

        def run(kind: Kind = kind) -> None:
            with Client(stack.endpoint, stack.token_for("bench"), socket_url=stack.socket) as client:
                for _ in range(jobs):
                    run_sample(client, kind, stack.folder)

        yield Scenario(
            f"`{kind}`",
            count=lambda kind=kind: measure_kind(meter, stack, kind),  # type: ignore[misc]
            cpu=lambda run=run: _cpu(target, jobs, run),  # type: ignore[misc]
        )


def _measure(scenario: Scenario, meter: UsageMeter, repeats: int) -> list[Figures]:
    scenario.count()  # the first job starts functions, and opens what later ones find
    prices = PriceTable.read()
    counted = [_figures(scenario.count(), prices) for _ in range(repeats)]
    meter.pause()
    cpu = scenario.cpu()
    return [{**each, **cpu} for each in counted]


def _figures(usage: JobUsage, prices: PriceTable) -> Figures:
    counts = usage.counts
    figures: Figures = {
        "**AWS calls** of functions and container": usage.aws_calls,
        "**AWS calls** without those of `push`": usage.aws_calls - usage.calls_of("push"),
        "**function runs**": counts.function_runs,
        "**millionths of a dollar**": round(job_cost(counts, prices, memory=MEMORY).total * 1e6, 1),
        "DynamoDB read units": counts.dynamodb_reads,
        "DynamoDB write units": round(counts.dynamodb_writes, 1),
        "S3 requests for writing, all callers": counts.s3_writes,
        "S3 requests for reading, all callers": counts.s3_reads,
        "HTTP requests": counts.http_requests,
        "WebSocket messages": counts.socket_messages,
        "their bytes": sum(usage.frames),
        "bytes of logs": counts.log_bytes,
    }
    for size, count in usage.row_sizes.items():
        figures[f"versions of the row, up to {size} KB"] = count
    for name, count in usage.runs.items():
        figures[f"runs of `{name}`"] = count
    for (caller, service, operation), count in usage.by_caller.items():
        figures[f"`{caller}`: {service} {operation}" if caller != SAGEMAKER else f"{caller}: {service} {operation}"] = (
            count
        )
    return figures


def _cpu(target: LoadTarget, jobs: int, run: Callable[[], object]) -> Figures:
    before = cpu_seconds(target)
    run()
    used = {name: 1000 * (seconds - before[name]) / jobs for name, seconds in cpu_seconds(target).items()}
    own = {name: round(milliseconds, 1) for name, milliseconds in used.items()}
    return {"**CPU, ms**": round(sum(used.values()), 1), **{f"CPU of {name}, ms": each for name, each in own.items()}}


_ORDER = ("**AWS", "**function", "**CPU", "**millionths", "CPU", "DynamoDB", "versions", "S3", "HTTP", "WebSocket")


def _order(line: str) -> tuple[int, str]:
    """Return the sort key of a line: sums first, then what is charged, then runs and calls."""
    starts = (*_ORDER, "their bytes", "bytes", "runs", "`", SAGEMAKER)
    return next(place for place, start in enumerate(starts) if line.startswith(start)), line


def _cell(values: list[float]) -> str:
    """Format a figure: the median, and the range if the counts differ.

    >>> _cell([4, 4, 4]), _cell([2, 4, 4]), _cell([])
    ('4', '4 (2-4)', '')
    """
    if not values:
        return ""
    low, high = min(values), max(values)
    return f"{median(values):g}" if low == high else f"{median(values):g} ({low:g}-{high:g})"


SECTION = Section(
    name="calls",
    about="What one job uses of AWS, beside the minimal chain in the same run. Jobs ran one by one, and each was "
    f"counted {REPEATS} times; where the counts differ, the median stands before their range. `push` takes what the "
    "stream has at that moment, so its calls differ from run to run, as do reports of progress. `dispatch` looks at "
    "the endpoint's instances, which it does at most every 15 s. A watched job opens and closes a WebSocket of its "
    "own: a run of `socket` and one of `authorize`. CPU time is a mean of more jobs, without the log of the calls. "
    "Dollars are by [prices.toml](../infra/prices.toml), with X-Ray off and assumed times of functions",
    row=CallCount,
    heads=("One job", *SCENARIOS),
    cells=lambda row: (row.what, *(_cell(row.figures.get(name, [])) for name in SCENARIOS)),
    parts={"calls": measure},
)
