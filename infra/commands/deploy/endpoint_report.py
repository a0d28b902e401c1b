"""Report of the GPU endpoint: SageMaker's state, backlog, cold starts and the day's cost."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from statistics import median
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from handlers.endpoint.cold_start import ColdStartStore, approximate_duration
from handlers.endpoint.gpu_spend import DAY_SECONDS, GpuSpendStore
from handlers.endpoint.spend_guard import SCALABLE_DIMENSION
from infra.commands.deploy.account import AwsAccount

BACKLOG_MINUTES = 15
NAMESPACE = "AWS/SageMaker"
# In the description of a scaling activity: from zero, one instance is started.
WOKEN = re.compile(r"desired instance count to 1\b", re.IGNORECASE)
GOOD_STATES = ("InService", "Updating", "SystemUpdating")


@dataclass(frozen=True)
class Line:
    """One line of the report: what, its value, and whether it is as it should be."""

    what: str
    value: str
    good: bool = True


class EndpointReport:
    """Reader of everything that tells how an endpoint is. ``sockets_table`` holds its cold starts and its spend."""

    def __init__(self, account: AwsAccount, endpoint: str, sockets_table: str) -> None:
        self._account = account
        self._endpoint = endpoint
        self._sockets_table = sockets_table

    def lines(self) -> Iterator[Line]:
        """Yield the lines. A call that fails is a line of its own."""
        for what, read in (
            ("endpoint", self._state),
            ("instances", self._instances),
            ("backlog", self._backlog),
            ("last wake", self._last_wake),
            ("cold starts", self._cold_starts),
            ("cost today", self._cost),
        ):
            yield from _lines(what, read)

    @cached_property
    def _described(self) -> dict[str, Any]:
        found: dict[str, Any] = self._account.client("sagemaker").describe_endpoint(EndpointName=self._endpoint)
        return found

    def _variants(self) -> list[dict[str, Any]]:
        return list(self._described.get("ProductionVariants", []))

    def _scaled(self) -> dict[str, Any]:
        """Return the parameters that name the endpoint's variant in calls of Application Auto Scaling."""
        (variant, *_) = self._variants() or [{"VariantName": "none"}]
        return {"ServiceNamespace": "sagemaker", "ScalableDimension": SCALABLE_DIMENSION} | {
            "ResourceId": f"endpoint/{self._endpoint}/variant/{variant['VariantName']}"
        }

    def _state(self) -> Line:
        found = self._described
        reason = found.get("FailureReason", "")
        state = found["EndpointStatus"]
        text = f"{self._endpoint} {state}{f': {reason}' if reason else ''}"
        return Line("endpoint", text, good=state in GOOD_STATES and not reason)

    def _instances(self) -> Line:
        counts = [
            (each.get("CurrentInstanceCount", 0), each.get("DesiredInstanceCount", 0)) for each in self._variants()
        ]
        text = ", ".join(f"{current} of {desired} desired" for current, desired in counts) or "none"
        return Line("instances", f"{text}{self._limits()}")

    def _limits(self) -> str:
        scaled = self._scaled()
        scaled["ResourceIds"] = [scaled.pop("ResourceId")]
        targets = self._account.client("application-autoscaling").describe_scalable_targets(**scaled)["ScalableTargets"]
        return f", from {targets[0]['MinCapacity']} to {targets[0]['MaxCapacity']}" if targets else ", not scaled"

    def _backlog(self) -> Line:
        now = datetime.now(UTC)
        points = self._account.client("cloudwatch").get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName="ApproximateBacklogSize",
            Dimensions=[{"Name": "EndpointName", "Value": self._endpoint}],
            StartTime=now - timedelta(minutes=BACKLOG_MINUTES),
            EndTime=now,
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
        if not points:
            return Line("backlog", f"no figure in the last {BACKLOG_MINUTES} minutes")
        latest = max(points, key=lambda point: point["Timestamp"])
        return Line("backlog", f"{latest['Maximum']:.0f} requests waiting or in work at {_moment(latest['Timestamp'])}")

    def _last_wake(self) -> Line:
        pages = self._account.client("application-autoscaling").get_paginator("describe_scaling_activities")
        for page in pages.paginate(**self._scaled()):
            for activity in page["ScalingActivities"]:  # newest first
                if WOKEN.search(activity.get("Description", "")):
                    good = activity["StatusCode"] not in ("Failed", "Unfulfilled")
                    reason = activity.get("StatusMessage", "")
                    text = f"{_moment(activity['StartTime'])} {activity['StatusCode']}{f': {reason}' if reason else ''}"
                    return Line("last wake", text, good=good)
        return Line("last wake", "none on record")

    def _cold_starts(self) -> Line:
        found = ColdStartStore(self._sockets_table, self._endpoint, self._account.client("dynamodb")).get()
        durations = (
            f"{approximate_duration(median(found.seconds))}, median of the last {len(found.seconds)}"
            if found.seconds
            else "none measured"
        )
        if found.since is not None and found.under_way(time.time()):
            durations += f"; one is under way for {approximate_duration(time.time() - found.since)}"
        return Line("cold starts", durations)

    def _cost(self) -> Line:
        spend = GpuSpendStore(self._sockets_table, self._endpoint, self._account.client("dynamodb")).get()
        now = time.time()
        if spend is None:
            return Line("cost today", "not counted yet: the spend guard runs every five minutes")
        usd = spend.usd if spend.day == now // DAY_SECONDS else 0.0
        stopped = spend.blocks_instances(now)
        counted = _moment(datetime.fromtimestamp(spend.counted_until, UTC))
        text = f"${usd:.2f}, counted until {counted}{'; stopped until midnight UTC' if stopped else ''}"
        return Line("cost today", text, good=not stopped)


def _lines(what: str, read: Callable[[], Line]) -> Iterator[Line]:
    try:
        yield read()
    except ClientError as error:
        message = error.response["Error"].get("Message", "")
        yield Line(what, f"unknown: {error.operation_name}: {message}", good="Could not find endpoint" not in message)
    except (BotoCoreError, ValueError) as error:
        yield Line(what, f"unknown: {error}")


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
