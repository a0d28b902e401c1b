"""Logs and metrics: one structured log line per event, and CloudWatch metrics of created and ended jobs.

X-Ray is enabled by the stack only (context key ``tracing``): patching the SDK with aws_xray_sdk would add a third to
every import.
"""

import json
from functools import partial

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from cloud.dynamodb.job_record import JobRecord
from darkroom.contract.jobs import State

NAMESPACE = "Darkroom"
GPU_SPEND = "GpuSpendToday"

# ASCII alone: names and messages of callers cannot write escape sequences into the log.
logger = Logger(service="darkroom", json_serializer=partial(json.dumps, default=str))


def count_job_created(record: JobRecord) -> None:
    """Count a created job."""
    _count("JobsCreated", kind=record.kind)


def report_job_ended(record: JobRecord) -> None:
    """Count an ended job by state, kind and error code; report its duration if it was not cached."""
    code = record.error.code if record.error else "none"
    _count(f"Jobs{record.state.capitalize()}", kind=record.kind, code=code)
    seconds = (record.updated_at - record.created_at).total_seconds()
    if record.state is State.COMPLETED and not record.cached:
        with single_metric(name="SecondsToDone", unit=MetricUnit.Seconds, value=seconds, namespace=NAMESPACE) as metric:
            metric.add_dimension("kind", record.kind)
    logger.info("job ended", job_id=record.job_id, state=record.state, code=code, seconds=round(seconds, 3))


def report_gpu_spend(endpoint: str, usd: float) -> None:
    """Report the cost of an endpoint's instances since midnight UTC."""
    with single_metric(name=GPU_SPEND, unit=MetricUnit.NoUnit, value=usd, namespace=NAMESPACE) as metric:
        metric.add_dimension("endpoint", endpoint)


def _count(name: str, **dimensions: str) -> None:
    with single_metric(name=name, unit=MetricUnit.Count, value=1, namespace=NAMESPACE) as metric:
        for dimension, value in dimensions.items():
            metric.add_dimension(dimension, value)
