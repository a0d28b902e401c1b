"""Function of the cpu lane: the same worker as the GPU container's, its outcome announced in the endpoint's form."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cloud import clients
from cloud.dynamodb.job_store import JobStore
from cloud.dynamodb.ledger import Ledger
from cloud.instance_reports import InstanceReports
from cloud.invocation import FunctionInvocation
from cloud.lane import RESERVE_SECONDS
from containers.cpu import function, invocation_processor
from containers.cpu.invocation_processor import InvocationProcessor, remove_leftovers
from containers.cpu.settings import FunctionSettings
from containers.worker import json_logging
from containers.worker.plan_preparer import PlanPreparer, create_network_provider
from containers.worker.storage import Storage
from containers.worker.worker import Worker
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.jobs import State
from darkroom.contract.kinds import Kind
from handlers.endpoint.function_failure import read_notice
from handlers.endpoint.outcome_processor import AsyncInferenceNotification
from pipeline.core.runner import Runner
from pipeline.core.stages import Plan, StageContext
from tests.containers.conftest import BUCKET, JOB, cancel, invocation
from tests.containers.plans import keys, plan_of, report_until_stopped

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAME = f"{JOB}-1.2"
TOPIC = "arn:aws:sns:us-east-1:123456789012:success"
Process = Callable[..., dict[str, Any]]


@pytest.fixture
def ledger(s3: "S3Client") -> Ledger:
    client = clients.dynamodb()
    names = ("pk", "sk")
    client.create_table(
        TableName="ledger",
        KeySchema=[
            {"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=True)
        ],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        BillingMode="PAY_PER_REQUEST",
    )
    return Ledger("ledger", client)


@pytest.fixture
def process(store: JobStore, s3: "S3Client", ledger: Ledger) -> Process:
    """Run an event with a plan; return what ``finished`` reads of the notice: the outcome, and the notice itself."""

    def do(
        plan: Plan | Exception, *, seconds: float = 900, event: dict[str, Any] | None = None, **changes: Any
    ) -> dict[str, Any]:
        def plan_for(*_: Any) -> Plan:
            if isinstance(plan, Exception):
                raise plan
            return plan

        settings = FunctionSettings(
            jobs_table="jobs", ledger_table="ledger", bucket=BUCKET, success_topic_arn=TOPIC, heartbeat_seconds=0.02
        )
        storage = Storage(BUCKET, s3)
        preparer = PlanPreparer(plan_for, partial(create_network_provider, settings))
        worker = Worker(settings, store, storage, Runner(), preparer)
        notices: list[str] = []
        processor = InvocationProcessor(
            settings, storage, lambda _kind: worker, InstanceReports(ledger), notices.append
        )
        body = json.loads(invocation(**changes).model_dump_json()) if event is None else event
        processor.process(FunctionInvocation(inference_id=NAME, invocation=body), seconds)
        (notice,) = notices
        return outcome_of(read_notice(notice), s3)

    return do


def outcome_of(notice: AsyncInferenceNotification, s3: "S3Client") -> dict[str, Any]:
    assert (notice.status, notice.inference_id, notice.source) == ("Completed", NAME, "aws:lambda")
    included = notice.response_body.decode()
    if included is None:
        location = notice.response.output_location
        assert location is not None
        included = s3.get_object(Bucket=BUCKET, Key=location.removeprefix(f"s3://{BUCKET}/"))["Body"].read()
    found: dict[str, Any] = json.loads(included)
    return found


def test_a_job_completes_as_in_the_gpu_container(process: Process, store: JobStore, s3: "S3Client") -> None:
    outcome = process(plan_of())
    assert (outcome["status"], outcome["result"]["engine"]) == ("completed", "preview")
    assert [time["stage"] for time in outcome["timeline"]] == ["download", "develop", "upload"]
    assert keys(s3) == [f"results/{JOB}/result.jpg"]
    job = store.get(JOB)
    assert job is not None
    assert job.state is State.RUNNING, "only finished says that a job has ended"


def test_the_result_cache_learns_the_engines_digest(process: Process, ledger: Ledger) -> None:
    outcome = process(plan_of())
    assert InstanceReports(ledger).read_engine_digest("restyle_room", "preview") == outcome["engine_digest"]


def test_an_invocation_is_read_from_the_bucket_and_a_large_outcome_stored_there(
    process: Process, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invocation_processor, "MAX_INLINE_BYTES", 100)
    assert process(plan_of())["status"] == "completed"
    assert keys(s3, "outcomes/") == [f"outcomes/{NAME}.out"]


def test_an_invocation_in_the_bucket_is_read_from_there(
    store: JobStore, s3: "S3Client", ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put_object(Bucket=BUCKET, Key="invocations/x", Body=invocation().model_dump_json().encode())
    seen: list[Any] = []
    worker = SimpleNamespace(run=lambda found, _params: seen.append(found) or DONE)
    settings = FunctionSettings(jobs_table="jobs", ledger_table="ledger", bucket=BUCKET, success_topic_arn=TOPIC)
    processor = InvocationProcessor(
        settings, Storage(BUCKET, s3), lambda _: worker, InstanceReports(ledger), lambda _: None
    )
    processor.process(FunctionInvocation(inference_id=NAME, input_location=f"s3://{BUCKET}/invocations/x"), 900)
    assert [each.job_id for each in seen] == [JOB]


def test_an_error_is_a_failed_outcome(process: Process, s3: "S3Client") -> None:
    def fail(_context: StageContext) -> None:
        raise DarkroomError(ErrorCode.INVALID_IMAGE, "The photo cannot be read.")

    outcome = process(plan_of(fail))
    assert (outcome["status"], outcome["error"]["code"], keys(s3)) == ("failed", "invalid_image", [])


def test_the_functions_time_bounds_the_work(process: Process) -> None:
    outcome = process(plan_of(report_until_stopped), seconds=RESERVE_SECONDS + 0.1)
    assert (outcome["status"], outcome["error"]["code"]) == ("failed", "timed_out")


def test_sweep_is_told_how_long_the_function_may_take(process: Process, store: JobStore) -> None:
    process(plan_of(), seconds=100, time_limit_seconds=885)
    job = store.get(JOB)
    assert job is not None
    assert job.due_at is not None
    assert job.due_at - datetime.now(UTC).timestamp() < 100 + 60


def test_a_job_cancelled_within_a_stage_is_abandoned_and_leaves_nothing(
    process: Process, store: JobStore, s3: "S3Client"
) -> None:
    running = threading.Event()

    def long(context: StageContext) -> None:
        running.set()
        report_until_stopped(context)

    def cancel_when_running() -> None:
        assert running.wait(30)
        cancel(store)

    thread = threading.Thread(target=cancel_when_running)
    thread.start()
    outcome = process(plan_of(long))
    thread.join()
    assert (outcome["status"], keys(s3)) == ("abandoned", [])


def test_an_event_that_comes_again_after_the_end_changes_nothing(process: Process, store: JobStore) -> None:
    process(plan_of())
    cancel(store)
    before = store.get(JOB)
    assert process(plan_of())["status"] == "abandoned"
    assert store.get(JOB) == before


@pytest.mark.parametrize(
    ("changes", "code", "retryable"),
    [
        ({"params": {"style": "brutalist"}}, "unknown_to_version", True),
        ({"engine": "models"}, "engine_unavailable", True),
    ],
)
def test_what_the_function_cannot_do_is_refused_before_the_job_starts(
    process: Process, store: JobStore, changes: dict[str, Any], code: str, retryable: bool
) -> None:
    before = store.get(JOB)
    outcome = process(plan_of(), **changes)
    assert (outcome["error"]["code"], outcome["error"]["retryable"]) == (code, retryable)
    assert store.get(JOB) == before


def test_an_invocation_that_cannot_be_read_fails_for_good(process: Process) -> None:
    body = json.loads(invocation().model_dump_json()) | {"progress": 2}
    outcome = process(plan_of(), event=body)
    assert (outcome["error"]["code"], outcome["error"]["retryable"]) == ("unknown_to_version", False)


def test_an_event_that_names_no_attempt_is_an_error_of_the_function(process: Process) -> None:
    with pytest.raises(ValueError, match="names an attempt"):
        process(plan_of(), event={"job_id": "x"})


def test_an_error_of_aws_is_left_to_lambdas_record(process: Process) -> None:
    unavailable = ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "UpdateItem")
    with pytest.raises(ClientError):
        process(unavailable)


# The function itself, by its environment.


class Done:
    status = "abandoned"

    def model_dump_json(self) -> str:
        return '{"status": "abandoned"}'


DONE = Done()


@pytest.fixture
def environment(store: JobStore, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The function's environment, with plans that do nothing; its topic."""
    topic = clients.sns().create_topic(Name="success")["TopicArn"]
    values = {
        "JOBS_TABLE": "jobs",
        "LEDGER_TABLE": "ledger",
        "BUCKET": BUCKET,
        "SUCCESS_TOPIC_ARN": topic,
        "STAGES": "noop",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    function._processor.cache_clear()
    before = json_logging.FORMATTER.log_format.copy()
    monkeypatch.setattr(json_logging.logging, "basicConfig", lambda **_: None)
    yield topic
    function._processor.cache_clear()
    json_logging.FORMATTER.log_format = before


@pytest.mark.parametrize("kind", [Kind.UPSCALE, Kind.RENDER_VIDEO])
def test_the_function_runs_an_event_and_publishes_to_its_topic(environment: str, s3: "S3Client", kind: Kind) -> None:
    sqs = clients.sqs()
    queue = sqs.create_queue(QueueName="notices")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    clients.sns().subscribe(TopicArn=environment, Protocol="sqs", Endpoint=arn)
    params = {"script": "Hello."} if kind is Kind.RENDER_VIDEO else {}
    body = json.loads(invocation(kind=kind, params=params, uploads={}).model_dump_json())
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)
    function.handler({"inference_id": NAME, "invocation": body}, context)
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    notice = read_notice(json.loads(message["Body"])["Message"])
    assert outcome_of(notice, s3)["status"] == "completed"


def test_a_new_start_removes_what_a_dead_run_left(tmp_path: Path) -> None:
    left, other = tmp_path / "darkroom-x1y2", tmp_path / "other"
    for folder in (left, other):
        folder.mkdir()
        (folder / "clip.mp4").write_bytes(b"half")
    remove_leftovers(tmp_path)
    assert (left.exists(), other.exists()) == (False, True)


def test_a_deadline_that_is_earlier_than_the_functions_stays(process: Process) -> None:
    outcome = process(plan_of(), deadline=datetime.now(UTC) - timedelta(seconds=1))
    assert outcome["error"]["code"] == "timed_out"
