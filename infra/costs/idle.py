"""Idle cost: what a deployment without jobs costs in a month of 30 days, item by item."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cloud.dynamodb.job_record import SHARDS
from infra.costs.templates import Resource, Templates
from infra.costs.usage import read_usage
from infra.prices import Item, PriceTable

DAYS = 30
MINUTES = DAYS * 24 * 60


@dataclass(frozen=True)
class IdleCost:
    """One item of the idle cost: its name, a word on how it is counted, and US dollars a month."""

    name: str
    counted: str
    usd: float


def idle_costs(templates: Templates, prices: PriceTable) -> list[IdleCost]:
    """Return the items of a month without jobs, before any free tier."""
    usage = read_usage()
    runs = {name: MINUTES / minutes for name, minutes in templates.schedules()}
    return [
        *_alarms(templates, prices, usage),
        *_polling(templates, prices, usage),
        *_scheduled_runs(templates, prices, usage, runs),
        *_rows(prices, usage, runs),
        *_logs(templates, prices, usage, sum(runs.values())),
    ]


def _alarms(templates: Templates, prices: PriceTable, usage: dict[str, Any]) -> Iterator[IdleCost]:
    metrics = [_metrics(alarm) for alarm in templates.of_type("AWS::CloudWatch::Alarm")]
    policies = templates.of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
    tracking = [each for each in policies if each["PolicyType"] == "TargetTrackingScaling"]
    made = usage["target_tracking"]["alarms"] * len(tracking)
    counted = f"{len(metrics)} of the templates, of which {sum(each > 1 for each in metrics)} is on two metrics"
    total = sum(metrics) + made
    yield IdleCost(
        f"{total} alarm metrics",
        f"{counted}, and {made} that target tracking makes",
        prices.cost(Item.ALARM, total),
    )


def _metrics(alarm: Resource) -> int:
    """Return the metrics that an alarm is billed for: one, or those that its expression reads."""
    return sum("MetricStat" in each for each in alarm["Metrics"]) if "Metrics" in alarm else 1


def _polling(templates: Templates, prices: PriceTable, usage: dict[str, Any]) -> Iterator[IdleCost]:
    polling = usage["polling"]
    pollers = [
        polling["pollers_with_maximum_concurrency" if "ScalingConfig" in mapping else "pollers"]
        for mapping in templates.of_type("AWS::Lambda::EventSourceMapping")
        if "StartingPosition" not in mapping  # a stream; its reads by Lambda are free
    ]
    polls = sum(pollers) * MINUTES * 60 / polling["seconds"]
    yield IdleCost(
        f"long polls of {len(pollers)} queues",
        f"{sum(pollers)} pollers, {polls:,.0f} requests",
        prices.cost(Item.SQS_REQUEST, polls),
    )


def _scheduled_runs(
    templates: Templates, prices: PriceTable, usage: dict[str, Any], runs: dict[str, float]
) -> Iterator[IdleCost]:
    functions = templates.functions()
    for name, count in runs.items():
        gigabyte_seconds = count * usage["seconds"][name] * functions[name]["MemorySize"] / 1024
        usd = prices.cost(Item.LAMBDA_REQUEST, count) + prices.cost(Item.LAMBDA_GB_SECOND, gigabyte_seconds)
        yield IdleCost(f"runs of `{name}`", f"{count:,.0f} of {usage['seconds'][name]:g} s", usd)


def _rows(prices: PriceTable, usage: dict[str, Any], runs: dict[str, float]) -> Iterator[IdleCost]:
    queries = runs["sweep"] * len(SHARDS)  # of the index of due jobs
    guard = runs.get("guard", 0)
    reads = queries / 2 + guard * usage["guard"]["reads"]
    writes = guard * usage["guard"]["writes"]
    usd = prices.cost(Item.DYNAMODB_READ, reads) + prices.cost(Item.DYNAMODB_WRITE, writes)
    yield IdleCost("reads and writes of these runs", f"{queries:,.0f} index queries, {writes:,.0f} writes", usd)


def _logs(templates: Templates, prices: PriceTable, usage: dict[str, Any], runs: float) -> Iterator[IdleCost]:
    days = max(group["RetentionInDays"] for group in templates.of_type("AWS::Logs::LogGroup"))
    taken = runs * usage["logs"]["bytes_per_run"]
    usd = prices.cost(Item.LOG_INGESTION, taken) + prices.cost(Item.LOG_STORAGE, taken * days / DAYS)
    yield IdleCost("log lines of these runs", f"{taken / 1e6:,.0f} MB, kept for {days} days", usd)
