"""AWS clients: how long they wait, which addresses they use, and that what was just written is read."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloud import clients
from cloud.dynamodb.conditional_update import ConditionalUpdate
from cloud.dynamodb.job_table import JobTable
from cloud.dynamodb.ledger import Ledger, LedgerUpdate
from cloud.dynamodb.transaction import CONFLICT_TRIES
from cloud.dynamodb.versioned_item import VersionedItem

pytestmark = pytest.mark.usefixtures("aws")


def waits(client: Any) -> tuple[float, float, int]:
    """Seconds to connect, seconds to read, and attempts."""
    config = client.meta.config
    return config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]


def test_calls_are_tried_three_times_within_a_functions_time() -> None:
    for client in (clients.dynamodb(), clients.s3(), clients.sqs(), clients.sagemaker(), clients.sagemaker_runtime()):
        assert waits(client) == (2, 10, 3), client


def test_a_call_that_others_wait_behind_fails_fast() -> None:
    assert waits(clients.apigateway_management("https://socket.example/live")) == (1, 1, 1)
    assert waits(clients.sagemaker(clients.FAIL_FAST_CONFIG)) == (1, 1, 1)


def test_a_language_model_is_asked_once_for_eight_seconds() -> None:
    assert waits(clients.bedrock_runtime(clients.LANGUAGE_MODEL_CONFIG)) == (1, 8, 1)


def test_every_client_talks_to_its_service() -> None:
    services: tuple[tuple[Any, str], ...] = (
        (clients.dynamodb(), "dynamodb"),
        (clients.sqs(), "sqs"),
        (clients.s3(), "s3"),
        (clients.sagemaker(), "sagemaker"),
        (clients.sagemaker_runtime(), "sagemaker-runtime"),
        (clients.application_autoscaling(), "application-autoscaling"),
        (clients.eventbridge(), "events"),
        (clients.polly(), "polly"),
    )
    for client, service in services:
        assert client.meta.service_model.service_name == service


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
    ],
)
def test_either_variable_names_the_region(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], region: str
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert clients.create_session().create_client("dynamodb").meta.region_name == region


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        (None, "https://bucket.s3.us-east-1.amazonaws.com/key?"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566/bucket/key?"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:4566/bucket/key?"),
    ],
)
def test_presigned_urls_have_the_regions_host_or_an_emulators_path(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, url: str
) -> None:
    if variable is not None:
        monkeypatch.setenv(variable, "http://127.0.0.1:4566")
    signed = clients.s3().generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "key"})
    assert signed.startswith(url)
    assert "X-Amz-Signature=" in signed


def test_sockets_are_reached_where_they_connected_or_at_the_sdks_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    here = "https://abc.execute-api.us-east-1.amazonaws.com/live"
    assert clients.apigateway_management(here).meta.endpoint_url == here
    monkeypatch.setenv("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", "http://127.0.0.1:4566")
    assert clients.apigateway_management(here).meta.endpoint_url == "http://127.0.0.1:4566"


class EmptyTable:
    """A client of DynamoDB without items, which records its reads."""

    def __init__(self) -> None:
        self.reads: list[dict[str, Any]] = []

    def get_item(self, **call: Any) -> dict[str, Any]:
        self.reads.append(call)
        return {}

    def query(self, **call: Any) -> dict[str, Any]:
        self.reads.append(call)
        return {"Items": []}


def test_what_was_just_written_is_read() -> None:
    """DynamoDB's usual reads may be a second old: a job that has just been made would be not found."""
    table: Any = EmptyTable()
    assert JobTable("jobs", table).get("a" * 32) is None
    assert Ledger("ledger", table).get("partition", "sort") is None
    assert VersionedItem("sockets", "partition", "sort", table, version="at").get() is None
    assert [read["ConsistentRead"] for read in table.reads] == [True] * 3


class BusyLedger:
    """A client of DynamoDB whose first writes run into another transaction."""

    def __init__(self, conflicts: int) -> None:
        self.left = conflicts
        self.written = 0

    def update_item(self, **_call: Any) -> dict[str, Any]:
        self._conflict("TransactionConflictException", {})
        return {"Attributes": {"count": {"N": "1"}}}

    def transact_write_items(self, **_call: Any) -> None:
        reasons = {"CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}]}
        self._conflict("TransactionCanceledException", reasons)

    def _conflict(self, code: str, more: dict[str, Any]) -> None:
        if self.left:
            self.left -= 1
            raise ClientError({"Error": {"Code": code}, **more}, "Write")  # type: ignore[typeddict-item]
        self.written += 1


@pytest.mark.parametrize(("conflicts", "written"), [(0, 1), (CONFLICT_TRIES - 1, 1), (CONFLICT_TRIES, 0)])
def test_a_conflict_is_tried_again_after_doubling_pauses_and_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, conflicts: int, written: int
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("cloud.dynamodb.transaction.time.sleep", pauses.append)
    monkeypatch.setattr("cloud.dynamodb.transaction.random.uniform", lambda low, high: (low + high) / 2)
    update = ConditionalUpdate()
    update.add("count", 1)
    for transaction in (False, True):
        table: Any = BusyLedger(conflicts)
        ledger = Ledger("ledger", table)
        try:
            if transaction:
                ledger.transact([LedgerUpdate("partition", "sort", update)])
            else:
                assert ledger.update_item("partition", "sort", update) == {"count": 1}
        except ClientError:
            assert not written
        assert table.written == written
        assert pauses == [0.02 * 2**number for number in range(min(conflicts, 7))]
        pauses.clear()
