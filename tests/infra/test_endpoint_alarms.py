"""Alarms of the GPU endpoint, on series as SageMaker's documentation describes its metrics."""

from collections.abc import Sequence

import pytest

from tests.infra.alarm_evaluation import Published, dimensions, periods_to_alarm
from tests.infra.template import Template, text

ENDPOINT = dimensions(EndpointName="darkroom-test-g4dn-xlarge")
VARIANT = dimensions(EndpointName="darkroom-test-g4dn-xlarge", VariantName="gpu")


def fires(gpu: Template, name: str, published: Published) -> int | None:
    (alarm,) = [
        resource["Properties"]
        for logical, resource in gpu.of_type("CloudWatch::Alarm")
        if logical.startswith(f"Endpoints{name}")
    ]
    assert alarm["AlarmActions"], "nobody is told"
    return periods_to_alarm(alarm, published)


def no_capacity(values: Sequence[float | None]) -> Published:
    """1 while requests wait and there is no instance, otherwise 0; each minute."""
    return {("HasBacklogWithoutCapacity", ENDPOINT): values}


def test_a_gpu_that_does_not_start_is_told_after_a_quarter_of_an_hour(gpu: Template) -> None:
    assert fires(gpu, "NoCapacity", no_capacity([0, 0, *[1] * 20])) == 2 + 15


@pytest.mark.parametrize(
    "values",
    [[0] * 60, [None] * 60, [*[1] * 14, 0] * 4, [*[1] * 7, *[0] * 53]],
    ids=["no work", "no data", "starts in time", "an ordinary cold start"],
)
def test_a_gpu_that_starts_is_no_alarm(gpu: Template, values: list[float | None]) -> None:
    assert fires(gpu, "NoCapacity", no_capacity(values)) is None


def test_a_request_that_waits_for_half_of_its_time_is_told(gpu: Template) -> None:
    age = [60.0 * minute for minute in range(60)]
    assert fires(gpu, "OldRequest", {("ApproximateAgeOfOldestRequest", ENDPOINT): age}) == 30 + 15
    assert fires(gpu, "OldRequest", {("ApproximateAgeOfOldestRequest", ENDPOINT): [None] * 60}) is None
    assert fires(gpu, "OldRequest", {("ApproximateAgeOfOldestRequest", ENDPOINT): [600.0] * 60}) is None


@pytest.mark.parametrize(
    ("alarm", "metric", "few", "many"),
    [
        ("Failures", "InvocationFailures", 4, 5),
        ("Expired", "ExpiredRequests", 0, 1),
        ("LostNotices", "NotificationFailures", 0, 1),
    ],
)
def test_failures_are_told(gpu: Template, alarm: str, metric: str, few: float, many: float) -> None:
    assert fires(gpu, alarm, {(metric, VARIANT): [None, few, many]}) == 3
    assert fires(gpu, alarm, {(metric, VARIANT): [None, few, None]}) is None
    # Published by variant: a series of the endpoint does not exist.
    assert fires(gpu, alarm, {(metric, ENDPOINT): [many]}) is None


def working(samples: Sequence[float | None], backlog: Sequence[float | None]) -> Published:
    """Samples of the instances' processors, and what is in the queue or in work; every five minutes."""
    return {("CPUUtilization", VARIANT): samples, ("ApproximateBacklogSize", ENDPOINT): backlog}


def test_an_instance_without_work_for_an_hour_is_told(gpu: Template) -> None:
    assert fires(gpu, "IdleInstance", working([None, *[5.0] * 20], [None, 1, *[0] * 19])) == 2 + 12
    # The backlog of an endpoint that never had a request may be missing.
    assert fires(gpu, "IdleInstance", working([5.0] * 20, [None] * 20)) == 12


@pytest.mark.parametrize(
    ("samples", "backlog"),
    [
        ([None] * 40, [0] * 40),
        ([None] * 40, [None] * 40),
        ([5.0] * 40, [*[0] * 11, 1] * 3 + [0] * 4),
        ([*[5.0] * 6, *[None] * 34], [0] * 40),
    ],
    ids=["scaled to zero", "no data", "a job an hour", "scales in"],
)
def test_an_instance_that_works_or_ends_is_no_alarm(
    gpu: Template, samples: list[float | None], backlog: list[float | None]
) -> None:
    assert fires(gpu, "IdleInstance", working(samples, backlog)) is None


def test_a_busy_fleet_does_not_look_idle(gpu: Template) -> None:
    (policy,) = [
        resource["Properties"]["TargetTrackingScalingPolicyConfiguration"]
        for _, resource in gpu.of_type("ApplicationAutoScaling::ScalingPolicy")
        if resource["Properties"]["PolicyType"] == "TargetTrackingScaling"
    ]
    slots = int(
        gpu.only("SageMaker::EndpointConfig")["AsyncInferenceConfig"]["ClientConfig"][
            "MaxConcurrentInvocationsPerInstance"
        ]
    )
    # Every slot busy, nothing waiting: the metric is the number of slots. Scaling in begins below 90 % of the target.
    assert slots >= 0.9 * policy["TargetValue"]
    assert policy["ScaleInCooldown"] == 20 * 60


def test_alarms_of_the_endpoint_tell_the_operators_topic(gpu: Template, core: Template) -> None:
    topics = {
        text(resource["Properties"]["AlarmActions"][0])
        for name, resource in gpu.of_type("CloudWatch::Alarm")
        if name.startswith("Endpoints")
    }
    (topic,) = topics
    assert "AlarmsTopic" in topic
