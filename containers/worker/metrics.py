"""How long stages take, as metrics: lines of the log that CloudWatch reads (its embedded metric format)."""

import threading
from collections.abc import Iterable

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from cloud.invocation import Invocation
from darkroom.contract.engine import Engine
from darkroom.contract.results import StageTime

NAMESPACE = "Darkroom"
# Powertools writes a line and its end apart: those of two jobs would run into each other, and CloudWatch read neither.
_printing = threading.Lock()


def emit_stage_seconds(invocation: Invocation, engine: Engine, timeline: Iterable[StageTime]) -> None:
    """Print one line for each stage: ``StageSeconds`` by kind, engine and stage; the job, its attempt and whether the
    stage was known already stand beside it, to be searched for."""
    for entry in timeline:
        with (
            _printing,
            single_metric(
                name="StageSeconds", unit=MetricUnit.Seconds, value=entry.seconds, namespace=NAMESPACE
            ) as metric,
        ):
            for dimension, value in (("kind", invocation.kind), ("engine", engine), ("stage", entry.stage)):
                metric.add_dimension(dimension, value)
            facts = {"job_id": invocation.job_id, "attempt": invocation.attempt, "cached": entry.cached}
            for name, fact in facts.items():
                metric.add_metadata(name, fact)
