"""Stage times: one log line for each stage of an attempt, which CloudWatch Logs Insights aggregates on demand.

A CloudWatch metric with kind, engine and stage as dimensions would be a hundred metrics, each billed for every hour in
which a job runs.
"""

import logging
from collections.abc import Iterable

from cloud.invocation import Invocation
from darkroom.contract.engine import Engine
from darkroom.contract.results import StageTime

logger = logging.getLogger(__name__)


def log_stage_times(invocation: Invocation, engine: Engine, timeline: Iterable[StageTime]) -> None:
    """Log each stage's seconds with job, attempt, kind and engine, and whether its output came from the cache."""
    job = {"job_id": invocation.job_id, "attempt": invocation.attempt, "kind": invocation.kind, "engine": engine}
    for entry in timeline:
        fields = job | {"stage": entry.stage, "seconds": entry.seconds, "cached": entry.cached}
        logger.info("stage ended", extra=fields)
