"""Idle cost: counted from templates by AWS's rules of billing."""

from typing import Any

import pytest

from infra.costs.idle import IdleCost, idle_costs
from infra.costs.templates import Templates
from infra.prices import PriceTable
from tests.infra.template import Template

SQS = {"EventSourceArn": "queue"}
STREAM = {"EventSourceArn": "stream", "StartingPosition": "TRIM_HORIZON"}


def templates(*resources: tuple[str, dict[str, Any]]) -> Templates:
    """A deployment of these resources, with ``sweep`` every minute and its log group."""
    sweep = {"Handler": "handlers.sweep.handler", "MemorySize": 512}
    rule = {"ScheduleExpression": "rate(1 minute)", "Targets": [{"Arn": {"Fn::GetAtt": ["Sweep", "Arn"]}}]}
    every = {f"R{number}": {"Type": kind, "Properties": each} for number, (kind, each) in enumerate(resources)}
    return Templates(
        [
            {
                "Resources": {
                    "Sweep": {"Type": "AWS::Lambda::Function", "Properties": sweep},
                    "Rule": {"Type": "AWS::Events::Rule", "Properties": rule},
                    "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}},
                    **every,
                }
            }
        ]
    )


def item(name: str, *resources: tuple[str, dict[str, Any]]) -> IdleCost:
    (found,) = (each for each in idle_costs(templates(*resources), PriceTable.read()) if name in each.name)
    return found


@pytest.mark.parametrize(
    ("resources", "metrics"),
    [
        ([("AWS::CloudWatch::Alarm", {"MetricName": "Errors"})], 1),
        # An alarm on an expression is billed for each metric that the expression reads.
        ([("AWS::CloudWatch::Alarm", {"Metrics": [{"Expression": "a/b"}, {"MetricStat": {}}, {"MetricStat": {}}]})], 2),
        ([("AWS::ApplicationAutoScaling::ScalingPolicy", {"PolicyType": "TargetTrackingScaling"})], 2),
        ([("AWS::ApplicationAutoScaling::ScalingPolicy", {"PolicyType": "StepScaling"})], 0),
    ],
)
def test_an_alarm_costs_ten_cents_for_each_metric(resources: list[tuple[str, dict[str, Any]]], metrics: int) -> None:
    assert item("alarm", *resources).usd == pytest.approx(0.10 * metrics)


@pytest.mark.parametrize(
    ("mapping", "pollers"), [(SQS, 2), ({**SQS, "ScalingConfig": {"MaximumConcurrency": 10}}, 5), (STREAM, 0)]
)
def test_an_idle_queue_is_polled_by_five_with_a_maximum_concurrency_and_by_two_without(
    mapping: dict[str, Any], pollers: int
) -> None:
    polls = pollers * 30 * 24 * 60 * 3
    found = item("long polls", ("AWS::Lambda::EventSourceMapping", mapping))
    assert f"{pollers} pollers, {polls:,} requests" in found.counted
    assert found.usd == pytest.approx(0.40 * polls / 1e6)


def test_a_run_each_minute_costs_its_requests_and_its_gigabyte_seconds() -> None:
    assert item("runs of `sweep`").usd == pytest.approx(43_200 * (0.20 / 1e6 + 0.2 * 0.5 * 0.0000133334))


def test_sweep_queries_the_index_of_due_jobs_in_each_shard() -> None:
    found = item("reads and writes")
    assert found.counted.startswith("345,600 index queries")
    assert found.usd == pytest.approx(345_600 / 2 * 0.125 / 1e6)


def test_every_alarm_and_schedule_of_a_deployment_is_in_the_sum(core: Template, gpu: Template) -> None:
    costs = idle_costs(Templates([core.content, gpu.content]), PriceTable.read())
    alarms = [*core.of_type("CloudWatch::Alarm"), *gpu.of_type("CloudWatch::Alarm")]
    assert costs[0].counted.startswith(f"{len(alarms)} of the templates")
    assert {each.name for each in costs if each.name.startswith("runs")} == {"runs of `sweep`", "runs of `guard`"}
    assert 2 < sum(each.usd for each in costs) < 4
