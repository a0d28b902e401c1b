"""Cost of a job's control plane: each count at its price."""

import pytest

from infra.costs.job_costs import job_cost
from infra.costs.job_counts import JobCounts
from infra.prices import PriceTable

NOTHING = dict.fromkeys(JobCounts.model_fields, 0.0)


@pytest.mark.parametrize(
    ("counts", "millionths"),
    [
        ({}, 0),
        ({"http_requests": 3}, 3),
        ({"socket_messages": 4, "socket_minutes": 2}, 4.5),
        ({"function_runs": 10}, 10 * (0.2 + 0.1 * 0.5 * 13.3334)),
        ({"sqs_requests": 6, "sns_publishes": 1, "events": 1}, 2.4 + 0.5 + 1),
        ({"s3_writes": 5, "s3_reads": 7}, 25 + 2.8),
        ({"dynamodb_reads": 20, "dynamodb_writes": 70}, 2.5 + 43.75),
        ({"log_bytes": 30_000}, 15.9),
    ],
)
def test_a_job_costs_what_its_counts_cost(counts: dict[str, float], millionths: float) -> None:
    cost = job_cost(JobCounts(**(NOTHING | counts)), PriceTable.read(), memory=512)
    assert cost.total * 1e6 == pytest.approx(millionths)
