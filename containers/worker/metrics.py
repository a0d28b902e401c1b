"""Stage metrics: logs each stage's seconds in CloudWatch's embedded metric format."""

import threading
from collections.abc import Iterable

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from cloud.invocation import Invocation
from darkroom.contract.engine import Engine
from darkroom.contract.results import StageTime

NAMESPACE = "Darkroom"
# Powertools writes a line and its line break separately. Without the lock, the lines of two jobs could be mixed up.
_printing = threading.Lock()


def emit_stage_seconds(invocation: Invocation, engine: Engine, timeline: Iterable[StageTime]) -> None:
    """Print the metric ``StageSeconds`` for each stage, with kind, engine and stage as dimensions.

    The job, its attempt and whether the output was cached are searchable metadata.
    """
    for entry in timeline:
        with (
            _printing,
            single_metric(
                name="StageSeconds", unit=MetricUnit.Seconds, value=entry.seconds, namespace=NAMESPACE
            ) as metric,
        ):
            for dimension, value in (("kind", invocation.kind), ("engine", engine), ("stage", entry.stage)):
                metric.add_dimension(dimension, value)
            metadata = {"job_id": invocation.job_id, "attempt": invocation.attempt, "cached": entry.cached}
            for name, fact in metadata.items():
                metric.add_metadata(name, fact)
