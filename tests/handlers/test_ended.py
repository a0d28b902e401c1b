"""Processing of ended jobs: counted once, settled once, published at least once."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from cloud import clients
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.ledger import Ledger
from darkroom.contract.jobs import State
from handlers import ended
from handlers.jobs import event_publisher
from handlers.statistics import daily_counters
from tests.aws_calls import Recorded

pytestmark = pytest.mark.usefixtures("environment")
MakeRecord = Callable[..., JobRecord]
Deliver = Callable[..., list[str]]
CREATED = datetime(2026, 1, 1, 23, 59, 50, tzinfo=UTC)


class FakeBus:
    """Fake event bus that records accepted events; ``reject`` is job → number of rejections."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.accepted: list[dict[str, Any]] = []
        self.reject: dict[str, int] = {}

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's own names
        self.calls.append(len(Entries))
        shape = botocore.session.get_session().get_service_model("events").operation_model("PutEvents").input_shape
        assert not ParamValidator().validate({"Entries": Entries}, shape).generate_report()
        results = []
        for entry in Entries:
            job_id = json.loads(entry["Detail"])["job_id"]
            if self.reject.get(job_id, 0) > 0:
                self.reject[job_id] -= 1
                results.append({"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"})
            else:
                self.accepted.append(entry)
                results.append({"EventId": "id"})
        return {"FailedEntryCount": sum("ErrorCode" in one for one in results), "Entries": results}

    def details(self) -> list[dict[str, Any]]:
        return [json.loads(entry["Detail"]) for entry in self.accepted]


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> FakeBus:
    fake = FakeBus()
    monkeypatch.setattr(clients, "eventbridge", lambda: Recorded("events", fake))
    monkeypatch.setattr(event_publisher, "TRY_SECONDS", 0)
    return fake


@pytest.fixture
def deliver(context: Any) -> Deliver:
    """Delivers ended jobs as the stream does; returns the sequence numbers to retry from."""

    def do(*records: JobRecord | dict[str, Any]) -> list[str]:
        images = [record.to_item() if isinstance(record, JobRecord) else record for record in records]
        event = {
            "Records": [
                {"eventName": "MODIFY", "dynamodb": {"SequenceNumber": str(100 + index), "NewImage": image}}
                for index, image in enumerate(images)
            ]
        }
        return [failure["itemIdentifier"] for failure in ended.handler(event, context)["batchItemFailures"]]

    return do


@pytest.fixture
def ending(record: MakeRecord) -> MakeRecord:
    """Makes an ended job; by default one completed in 20 seconds."""

    def make(state: State = State.COMPLETED, **changes: Any) -> JobRecord:
        values: dict[str, Any] = {
            "created_at": CREATED,
            "updated_at": CREATED + timedelta(seconds=20),
            "seq": 6,
            "cost_usd": 0.004,
            "timeline": [
                {"stage": "diffuse", "seconds": 10.0},
                {"stage": "depth", "seconds": 0.01, "cached": True},
            ],
        }
        if state is State.COMPLETED:
            picture = {"name": "result", "key": "results/x/result.jpg", "content_type": "image/jpeg", "width": 4}
            values["result"] = {"engine": "preview", "pictures": [{**picture, "height": 3, "size": 9, "sha256": "0"}]}
        elif state is not State.EXPIRED:
            values["error"] = {"code": "internal", "message": "It broke."}
        return record(state=state, due_at=None, **(values | changes))

    return make


def only(ledger: Ledger) -> daily_counters.DailyCounters:
    (found,) = daily_counters.read_day(ledger, CREATED.date())
    return found


def test_a_duplicate_end_is_counted_once(deliver: Deliver, ending: MakeRecord, ledger: Ledger, bus: FakeBus) -> None:
    job = ending()
    for _ in range(3):
        assert deliver(job) == []
    counted = only(ledger)
    assert (counted.kind, counted.engine, counted.states) == ("restyle_room", "preview", {State.COMPLETED: 1})
    assert counted.micro_usd == 4000
    assert {name: sum(counts.values()) for name, counts in counted.seconds.items()} == {
        "diffuse": 1,
        daily_counters.WHOLE_JOB: 1,
    }
    assert {detail["job_id"] for detail in bus.details()} == {job.job_id}


def test_each_terminal_state_is_counted_separately(
    deliver: Deliver, ending: MakeRecord, ledger: Ledger, bus: FakeBus
) -> None:
    jobs = [ending(state) for state in (State.COMPLETED, State.FAILED, State.FAILED, State.CANCELLED, State.EXPIRED)]
    jobs.append(ending(cached=True, cost_usd=0, timeline=[]))
    assert deliver(*jobs) == []
    counted = only(ledger)
    assert counted.states == {State.COMPLETED: 2, State.FAILED: 2, State.CANCELLED: 1, State.EXPIRED: 1}
    assert counted.cached == 1
    assert {name: sum(counts.values()) for name, counts in counted.seconds.items()} == {
        "diffuse": 1,
        daily_counters.WHOLE_JOB: 1,
    }
    types = [entry["DetailType"] for entry in bus.accepted]
    assert types == [
        *("Job completed", "Job failed", "Job failed", "Job cancelled", "Job expired", "Job completed"),
    ]


def test_a_fallback_to_preview_counts_for_the_preview_engine(
    deliver: Deliver, ending: MakeRecord, ledger: Ledger, bus: FakeBus
) -> None:
    deliver(ending(engine="models"))
    assert only(ledger).engine == "preview"


def test_the_durations_of_a_repeated_stage_are_added(
    deliver: Deliver, ending: MakeRecord, ledger: Ledger, bus: FakeBus
) -> None:
    assert deliver(ending(timeline=[{"stage": "diffuse", "seconds": 2.0}, {"stage": "diffuse", "seconds": 2.0}])) == []
    ((bucket_, count),) = only(ledger).seconds["diffuse"].items()
    assert (count, bucket_) == (1, daily_counters.bucket(4.0))


def test_the_budget_is_settled_once(deliver: Deliver, ending: MakeRecord, ledger: Ledger, bus: FakeBus) -> None:
    job = ending(reserved_usd=0.01)
    for _ in range(2):
        deliver(job)
    (row,) = ledger.query_partition(f"budget#{job.owner}")
    assert row["reserved_or_spent"] == -6000


def test_an_event_has_the_public_job_without_urls(deliver: Deliver, ending: MakeRecord, bus: FakeBus) -> None:
    job = ending()
    deliver(job)
    (entry,) = bus.accepted
    assert (entry["Source"], entry["EventBusName"], entry["Time"]) == ("darkroom", "bus", job.updated_at)
    (detail,) = bus.details()
    assert (detail["owner"], detail["state"], detail["kind"]) == ("owner-1", "completed", "restyle_room")
    assert detail["result"]["pictures"][0]["key"] == "results/x/result.jpg"
    assert "url" not in json.dumps(detail)
    assert not detail.keys() & {"request_digest", "due_at", "expires_at", "reserved_usd"}


def test_a_job_too_large_for_an_event_is_abridged(deliver: Deliver, ending: MakeRecord, bus: FakeBus) -> None:
    job = ending(params={"text": "x" * 300_000})
    assert deliver(job) == []
    (detail,) = bus.details()
    assert (detail["job_id"], detail["abridged"], "params" in detail) == (job.job_id, True, False)


def test_events_are_sent_in_batches_of_ten(deliver: Deliver, ending: MakeRecord, bus: FakeBus) -> None:
    assert deliver(*[ending() for _ in range(23)]) == []
    assert bus.calls == [10, 10, 3]


def test_only_a_rejected_event_is_sent_again(deliver: Deliver, ending: MakeRecord, bus: FakeBus) -> None:
    jobs = [ending() for _ in range(3)]
    bus.reject[jobs[1].job_id] = 1
    assert deliver(*jobs) == []
    assert bus.calls == [3, 1]
    assert sorted(detail["job_id"] for detail in bus.details()) == sorted(job.job_id for job in jobs)


def test_a_batch_is_retried_from_the_first_rejected_event(
    deliver: Deliver, ending: MakeRecord, ledger: Ledger, bus: FakeBus
) -> None:
    jobs = [ending() for _ in range(3)]
    bus.reject[jobs[1].job_id] = event_publisher.TRIES
    assert deliver(*jobs) == ["101"]
    assert deliver(*jobs[1:]) == []
    assert only(ledger).states == {State.COMPLETED: 3}
    assert {detail["job_id"] for detail in bus.details()} == {job.job_id for job in jobs}


def test_a_batch_is_retried_from_the_first_failed_ledger_update(
    deliver: Deliver, ending: MakeRecord, ledger: Ledger, bus: FakeBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [ending() for _ in range(3)]
    change_all = Ledger.transact

    def broken(self: Ledger, changes: Any) -> None:
        if changes[0].partition == f"ended#{jobs[1].job_id}":
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "TransactWriteItems")
        change_all(self, changes)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "transact", broken)
        assert deliver(*jobs) == ["101"]
    assert [detail["job_id"] for detail in bus.details()] == [jobs[0].job_id]
    assert deliver(*jobs[1:]) == []
    assert only(ledger).states == {State.COMPLETED: 3}


def test_a_permanent_ledger_error_sends_a_dead_letter_and_delays_no_job(
    deliver: Deliver, ending: MakeRecord, ledger: Ledger, bus: FakeBus, queues: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    too_long, malformed, fine = ending(), ending(), ending()
    client: Any = ledger._client
    transact = client.transact_write_items

    def reject(**arguments: Any) -> Any:
        answer: Any
        if too_long.job_id in str(arguments):
            reasons = [{"Code": "None"}, {"Code": "ValidationError", "Message": "Item size has exceeded …"}]
            answer = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise ClientError(answer, "TransactWriteItems")
        if malformed.job_id in str(arguments):
            raise ClientError({"Error": {"Code": "ValidationException"}}, "TransactWriteItems")
        return transact(**arguments)

    monkeypatch.setattr(clients, "dynamodb", lambda: client)
    monkeypatch.setattr(client, "transact_write_items", reject)
    assert deliver(too_long, malformed, fine) == []
    assert only(ledger).states == {State.COMPLETED: 1}
    assert queues.dead_letters() == [too_long.job_id, malformed.job_id]
    assert {detail["job_id"] for detail in bus.details()} == {job.job_id for job in (too_long, malformed, fine)}


def test_records_that_are_no_ended_job_are_skipped(
    deliver: Deliver, ending: MakeRecord, record: MakeRecord, ledger: Ledger, bus: FakeBus
) -> None:
    assert deliver({"job_id": {"S": "junk"}}, record(), ending()) == []
    assert only(ledger).states == {State.COMPLETED: 1}
    assert len(bus.accepted) == 1
    assert deliver() == []


def test_events_reach_a_bus_by_its_name(deliver: Deliver, ending: MakeRecord) -> None:
    client: Any = clients.eventbridge()
    client.create_event_bus(Name="bus")
    assert deliver(ending(State.FAILED), ending()) == []
