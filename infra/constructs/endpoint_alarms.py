"""Alarms of the GPU endpoint, on the metrics that SageMaker publishes for asynchronous endpoints.

Names, dimensions and statistics are those of "Alarms and logs for tracking metrics from asynchronous endpoints" in
SageMaker's developer guide. An endpoint without instances publishes no metric of its instances.
"""

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import ComparisonOperator, IMetric, MathExpression, Metric
from constructs import Construct

from infra.config import Config
from infra.constructs.alarms import Alarms

NAMESPACE = "AWS/SageMaker"
INSTANCE_NAMESPACE = "/aws/sagemaker/Endpoints"
NO_CAPACITY_MINUTES = 15
IDLE_MINUTES = 60
FAILURES = 5  # in FAILURES_MINUTES: single ones are retried
FAILURES_MINUTES = 15
_PERIOD = Duration.minutes(5)


def endpoint_metric(endpoint: str, name: str, statistic: str, *, period: Duration | None = None) -> Metric:
    """Return a metric that SageMaker publishes by endpoint only.

    With a variant's dimension, the metric would not exist, and an alarm on it would never fire.
    """
    return Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"EndpointName": endpoint},
        statistic=statistic,
        period=period or Duration.minutes(1),
    )


class EndpointAlarms(Construct):
    """Alarms for a GPU that does not start, fails, loses requests or notices, or runs without work."""

    def __init__(self, scope: Construct, id: str, *, config: Config, alarms: Alarms, variant: str) -> None:  # noqa: A002
        super().__init__(scope, id)
        self._endpoint = config.endpoint_name
        self._variant = variant
        self._alarms = alarms
        self._add(
            "NoCapacity",
            endpoint_metric(self._endpoint, "HasBacklogWithoutCapacity", "Minimum"),
            threshold=1,
            periods=NO_CAPACITY_MINUTES,
            text=f"Jobs have waited for {NO_CAPACITY_MINUTES} minutes, and no GPU has started: capacity, quota, image "
            "or weights.",
        )
        old = config.invocation_ttl_seconds // 2
        self._add(
            "OldRequest",
            endpoint_metric(self._endpoint, "ApproximateAgeOfOldestRequest", "Maximum"),
            threshold=old,
            periods=NO_CAPACITY_MINUTES,
            text=f"The endpoint's oldest request has waited for more than {old // 60} minutes, half of its time limit.",
        )
        self._add(
            "Failures",
            self._variant_metric("InvocationFailures", Duration.minutes(FAILURES_MINUTES)),
            threshold=FAILURES,
            periods=1,
            text=f"{FAILURES} or more invocations of the endpoint have failed within {FAILURES_MINUTES} minutes.",
        )
        self._add(
            "Expired",
            self._variant_metric("ExpiredRequests", _PERIOD),
            threshold=1,
            periods=1,
            text="A request has waited in the endpoint's queue for its whole time limit.",
        )
        self._add(
            "LostNotices",
            self._variant_metric("NotificationFailures", _PERIOD),
            threshold=1,
            periods=1,
            text="SageMaker could not publish a notice: its job waits for its deadline.",
        )
        self._add(
            "IdleInstance",
            self._idle(),
            threshold=1,
            periods=IDLE_MINUTES // 5,
            text=f"An instance has run for {IDLE_MINUTES} minutes without work: the endpoint does not scale in.",
        )

    def _variant_metric(self, name: str, period: Duration) -> Metric:
        return Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"EndpointName": self._endpoint, "VariantName": self._variant},
            statistic="Sum",
            period=period,
        )

    def _idle(self) -> MathExpression:
        """Return 1 while instances report their processor, but nothing is in the queue or in work."""
        processor = Metric(
            namespace=INSTANCE_NAMESPACE,
            metric_name="CPUUtilization",
            dimensions_map={"EndpointName": self._endpoint, "VariantName": self._variant},
            statistic="SampleCount",
            period=_PERIOD,
        )
        backlog = endpoint_metric(self._endpoint, "ApproximateBacklogSize", "Maximum", period=_PERIOD)
        return MathExpression(
            expression="IF(FILL(instances, 0) > 0 AND FILL(backlog, 0) < 1, 1, 0)",
            using_metrics={"instances": processor, "backlog": backlog},
            period=_PERIOD,
            label="Instances without work",
        )

    def _add(self, name: str, metric: IMetric, *, threshold: float, periods: int, text: str) -> None:
        self._alarms.add_alarm(
            self,
            name,
            metric,
            threshold=threshold,
            comparison=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            periods=periods,
            text=text,
        )
