"""CloudWatch metrics of created and ended jobs, and the log line of an ended one.

A metric is billed for each combination of dimensions, so these have none that tells jobs apart: kinds and error codes
are in the log lines, which CloudWatch Logs Insights counts on demand (docs/operating.md).
"""

from aws_lambda_powertools import single_metric
from aws_lambda_powertools.metrics import MetricUnit

from cloud.dynamodb.job_record import JobRecord
from cloud.observability import NAMESPACE, logger
from darkroom.contract.jobs import State

JOBS_SERVICE = "jobs"


def count_job_created() -> None:
    """Count a created job."""
    _report("JobsCreated", 1, MetricUnit.Count)


def report_job_ended(record: JobRecord) -> None:
    """Count an ended job by its state; report its duration if it was not cached, and log kind and error code."""
    code = record.error.code if record.error else "none"
    _report(f"Jobs{record.state.capitalize()}", 1, MetricUnit.Count)
    seconds = (record.updated_at - record.created_at).total_seconds()
    if record.state is State.COMPLETED and not record.cached:
        _report("SecondsToDone", seconds, MetricUnit.Seconds)
    logger.info(
        "job ended",
        job_id=record.job_id,
        kind=record.kind,
        state=record.state,
        code=code,
        cached=record.cached,
        seconds=round(seconds, 3),
    )


def _report(name: str, value: float, unit: MetricUnit) -> None:
    # All functions write one metric: by default, powertools makes one for each of them.
    with single_metric(name=name, unit=unit, value=value, namespace=NAMESPACE) as metric:
        metric.add_dimension("service", JOBS_SERVICE)
