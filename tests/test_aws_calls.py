"""Recorder of AWS calls: whose call it is, which right it needs, and what is said of one that is not recorded."""

import threading
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest

from tests.aws_actions import required_rights
from tests.aws_calls import CONTAINER, Recorded, attributed, held_to_the_record
from tests.paths import ROOT


class Bucket:
    """Stand-in for a client of S3."""

    def delete_object(self, **params: Any) -> str:
        return f"deleted {params['Key']}"


DELETE = "def handle(client, key):\n    return client.delete_object(Bucket='bucket', Key=key)\n"


def code_in(folder: str, source: str = DELETE) -> Callable[..., Any]:
    """The function of a module in one of our folders, which deletes an object."""
    names: dict[str, Any] = {}
    exec(compile(source, str(ROOT / folder / "module.py"), "exec"), names)  # noqa: S102 - the text above
    found: Callable[..., Any] = names["handle"]
    return found


@pytest.fixture(autouse=True)
def compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compares with the record, even while it is renewed."""
    monkeypatch.delenv("RECORD_AWS_CALLS", raising=False)


def test_an_unrecorded_call_of_a_function_is_named() -> None:
    handler = attributed("dispatch", code_in("handlers"))
    said = "dispatch calls s3:DeleteObject on bucket/results"
    with pytest.raises(AssertionError, match=said), held_to_the_record():
        assert handler(Recorded("s3", Bucket()), "results/x") == "deleted results/x"


def test_an_unrecorded_call_of_the_container_is_named() -> None:
    said = f"{CONTAINER} calls s3:DeleteObject on bucket/uploads"
    with pytest.raises(AssertionError, match=said), held_to_the_record():
        code_in("containers")(Recorded("s3", Bucket()), "uploads/x")


def test_a_call_in_a_thread_is_that_of_the_running_function() -> None:
    def handle(client: Any) -> None:
        thread = threading.Thread(target=code_in("cloud"), args=(client, "results/x"))
        thread.start()
        thread.join()

    with pytest.raises(AssertionError, match="dispatch calls"), held_to_the_record():
        attributed("dispatch", handle)(Recorded("s3", Bucket()))


def test_a_call_of_a_service_without_a_rule_fails_the_test_even_if_its_caller_handles_the_error() -> None:
    client = Recorded("kinesis", Mock())
    source = "def handle(client):\n    try:\n        client.put_record()\n    except Exception:\n        pass\n"
    with pytest.raises(AssertionError, match="there is no rule for kinesis"), held_to_the_record():
        attributed("dispatch", code_in("handlers", source))(client)


def test_recorded_calls_and_those_of_a_test_itself_are_nothing_new() -> None:
    with held_to_the_record():
        attributed("ended", code_in("handlers"))(Recorded("s3", Bucket()), "results/x")
        Recorded("s3", Bucket()).delete_object(Bucket="bucket", Key="results/x")


@pytest.mark.parametrize(
    ("service", "operation", "params", "rights"),
    [
        ("s3", "HeadObject", {"Key": "uploads/x/photo"}, [("s3:GetObject", "bucket/uploads/*")]),
        ("s3", "HeadBucket", {}, [("s3:ListBucket", "bucket")]),
        ("s3", "ListObjectsV2", {"Prefix": "results/"}, [("s3:ListBucket", "bucket")]),
        (
            "s3",
            "CopyObject",
            {"CopySource": {"Bucket": "bucket", "Key": "assets/x"}, "Key": "uploads/y", "Tagging": "a=b"},
            [
                ("s3:GetObject", "bucket/assets/*"),
                ("s3:PutObject", "bucket/uploads/*"),
                ("s3:PutObjectTagging", "bucket/uploads/*"),
            ],
        ),
        (
            "dynamodb",
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "jobs", "Item": {"job_id": {"S": "x"}}}},
                    {"Update": {"TableName": "ledger", "Key": {"pk": {"S": "budget#ann"}, "sk": {"S": "today"}}}},
                ]
            },
            [("dynamodb:PutItem", "table/jobs"), ("dynamodb:UpdateItem", "table/ledger/budget#")],
        ),
        (
            "dynamodb",
            "Query",
            {"TableName": "jobs", "IndexName": "due"},
            [("dynamodb:Query", "table/jobs/index/due")],
        ),
        ("sqs", "SendMessageBatch", {"QueueUrl": "https://sqs/1/jobs"}, [("sqs:SendMessage", "queue/jobs")]),
        ("bedrock-runtime", "Converse", {"modelId": "x"}, [("bedrock:InvokeModel", "model")]),
        (
            "apigatewaymanagementapi",
            "DeleteConnection",
            {"ConnectionId": "x"},
            [("execute-api:ManageConnections", "connections/DELETE")],
        ),
        (
            "sagemaker-runtime",
            "InvokeEndpointAsync",
            {"EndpointName": "darkroom-test-g5-xlarge"},
            [("sagemaker:InvokeEndpointAsync", "endpoint/former")],
        ),
    ],
)
def test_operations_need_the_actions_of_the_service_authorization_reference(
    service: str, operation: str, params: dict[str, Any], rights: list[tuple[str, str]]
) -> None:
    environment = {"QUEUE_URL": "https://sqs/1/jobs", "ENDPOINT_NAME": "darkroom-test-g4dn-xlarge"}
    assert list(required_rights(service, operation, params, environment)) == rights


def test_a_service_without_a_rule_is_named() -> None:
    with pytest.raises(LookupError, match="kinesis"):
        list(required_rights("kinesis", "PutRecord", {}, {}))
