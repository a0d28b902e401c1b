"""Usage of one job: what is counted as whose call, and what AWS charges for."""

from collections import Counter
from typing import Any

from bench.calls import _figures
from bench.control_plane.job_usage import CLIENT, CONTAINER, SAGEMAKER, JobUsage
from infra.prices import PriceTable


def call(caller: str, service: str, operation: str, **more: Any) -> dict[str, Any]:
    return {"caller": caller, "service": service, "operation": operation, **more}


USAGE = JobUsage(
    calls=[
        call(CLIENT, "http", "POST"),
        call(CLIENT, "S3", "POST", path="/bucket"),
        call(CLIENT, "socket", "connect"),
        call(CLIENT, "socket", "message", bytes=69),
        call("api", "DynamoDB", "PutItem", content={"TableName": "jobs"}),
        call("dispatch", "AmazonSQS", "SendMessage"),
        call("push", "socket", "send POST", bytes=40_000),
        call(CONTAINER, "S3", "PUT", path="/bucket/results/1/result.png"),
        call(SAGEMAKER, "S3", "PUT", path="/bucket/outcomes/1.out"),
    ],
    runs=Counter(api=1, push=2),
    log_bytes=100,
    socket_minutes=0.5,
    history=[{"job_id": {"S": "1"}}, {"job_id": {"S": "1"}, "params": {"S": "x" * 1500}}],
    jobs_table="jobs",
)


def test_calls_of_functions_and_container_are_counted_by_caller() -> None:
    assert USAGE.aws_calls == 4, "neither the client's nor SageMaker's own"
    assert USAGE.by_caller["api", "DynamoDB", "PutItem"] == 1
    assert USAGE.by_caller[SAGEMAKER, "S3", "PUT"] == 1
    assert not any(caller == CLIENT for caller, *_ in USAGE.by_caller)


def test_what_aws_charges_for_is_counted_of_all_callers() -> None:
    counts = USAGE.counts
    assert counts.socket_messages == 3, "40,000 bytes are two messages"
    assert counts.sqs_requests == 6, "two messages, of which S3 sends one, are each sent, received and deleted"
    assert counts.s3_writes == 3
    assert counts.function_runs == 3
    assert counts.log_bytes == 100 + 3 * 700 + 3 * 300
    assert USAGE.row_sizes == {1: 1, 2: 1}


def test_a_job_has_a_line_for_each_call_run_and_size_of_its_row() -> None:
    figures = _figures(USAGE, PriceTable.read())
    assert figures["`api`: DynamoDB PutItem"] == 1
    assert figures["SageMaker: S3 PUT"] == 1
    assert figures["runs of `push`"] == 2
    assert figures["versions of the row, up to 2 KB"] == 1
    assert figures["their bytes"] == 40_069
