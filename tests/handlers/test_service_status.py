"""Service status, and the lists of avatars and styles."""

import base64
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.ledger import Ledger
from cloud.instance_reports import InstanceReport, InstanceReports, LoadedModel
from darkroom.contract.jobs import State
from darkroom.contract.picture_styles import picture_styles
from handlers.endpoint import service_status
from handlers.jobs.open_jobs import OpenJobs
from tests.aws_calls import Recorded
from tests.handlers.calls import Call

pytestmark = pytest.mark.usefixtures("environment")
JobIn = Callable[..., JobRecord]


class FakeSageMaker:
    """Fake of the control plane that describes an endpoint or raises an error."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {
            "EndpointStatus": "InService",
            "ProductionVariants": [{"VariantName": "main", "CurrentInstanceCount": 2}],
        }
        self.error: Exception | None = None

    def describe_endpoint(self, **_call: Any) -> dict[str, Any]:
        if self.error is not None:
            raise self.error
        return self.answer


def _error(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


class FakeFunctions:
    """Fake of Lambda that describes the function of previews."""

    def __init__(self) -> None:
        self.state: str | None = "Active"

    def get_function_configuration(self, **_call: Any) -> dict[str, Any]:
        if self.state is None:
            raise _error("ResourceNotFoundException", "Function not found")
        return {"State": self.state}


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> FakeFunctions:
    fake = FakeFunctions()
    monkeypatch.setenv("CPU_FUNCTION", "previews")
    monkeypatch.setattr("cloud.clients.functions", lambda _config: Recorded("lambda", fake))
    return fake


@pytest.fixture
def sagemaker(monkeypatch: pytest.MonkeyPatch) -> FakeSageMaker:
    fake = FakeSageMaker()
    monkeypatch.setattr("cloud.clients.sagemaker", lambda _config: fake)
    return fake


def test_the_status_has_endpoint_backlog_and_instances(
    call: Call, sagemaker: FakeSageMaker, ledger: Ledger, job_in: JobIn, queues: Any
) -> None:
    reports = InstanceReports(ledger)
    loaded = [LoadedModel(name="sd15", megabytes=2100.5, on_device=True)]
    for name, age in (("new", 0), ("older", 60), ("gone", 600)):
        reported_at = datetime.fromtimestamp(time.time() - age, UTC)
        reports.write(
            InstanceReport(
                instance_id=name, reported_at=reported_at, device="T4", jobs=1, networks=loaded,
                vram_used_mb=3000, vram_total_mb=15360,
            )
        )  # fmt: skip
    for state in (State.AWAITING_UPLOAD, State.QUEUED, State.DISPATCHED, State.DISPATCHED, State.RUNNING):
        job_in(state)
    queues.client.send_message(QueueUrl=queues.url, MessageBody="{}")
    answer = call("GET", "/services")
    assert answer.status == 200
    body = answer.body
    assert body["endpoint"] == {"status": "InService", "instances": 2}
    assert body["backlog"] == {"messages": 1, "dispatched": 2, "running": 1, "cut_off": False}
    assert [instance["instance_id"] for instance in body["instances"]] == ["new", "older"]
    assert body["instances"][0]["networks"] == [{"name": "sd15", "megabytes": 2100.5, "on_device": True}]
    assert (body["instances"][0]["vram_used_mb"], body["reasons"]) == (3000, {})


def test_an_endpoint_that_does_not_exist_is_absent(call: Call, sagemaker: FakeSageMaker) -> None:
    sagemaker.error = _error("ValidationException", 'Could not find endpoint "arn:…".')
    body = call("GET", "/services").body
    assert (body["endpoint"], body["instances"]) == ({"status": "absent", "instances": 0}, [])


@pytest.mark.parametrize(("state", "said"), [("Active", "Active"), ("Pending", "Pending"), (None, "absent")])
def test_the_status_has_the_function_of_previews(
    call: Call, sagemaker: FakeSageMaker, functions: FakeFunctions, state: str | None, said: str
) -> None:
    functions.state = state
    assert call("GET", "/services").body["previews"] == {"status": said}


def test_without_a_function_the_status_of_previews_is_absent(call: Call, sagemaker: FakeSageMaker) -> None:
    assert call("GET", "/services").body["previews"] == {"status": "absent"}


def test_the_core_alone_is_healthy(
    call: Call, sagemaker: FakeSageMaker, functions: FakeFunctions, monkeypatch: pytest.MonkeyPatch, queues: Any
) -> None:
    sagemaker.error = _error("ValidationException", 'Could not find endpoint "arn:…".')
    monkeypatch.setenv("PREVIEW_ON", "lambda")
    answer = call("GET", "/health")
    assert (answer.status, answer.body["status"]) == (200, "ok")
    assert answer.body["parts"].keys() == {"table", "bucket", "queue", "previews"}


def test_a_missing_endpoint_is_down_where_previews_run_on_it(call: Call, sagemaker: FakeSageMaker) -> None:
    sagemaker.error = _error("ValidationException", 'Could not find endpoint "arn:…".')
    assert call("GET", "/health").body["parts"]["endpoint"]["status"] == "down"


@pytest.mark.parametrize(
    ("state", "health"), [("Active", "ok"), ("Inactive", "ok"), ("Failed", "down"), (None, "down")]
)
def test_the_health_has_the_function_of_previews(
    call: Call, sagemaker: FakeSageMaker, functions: FakeFunctions, state: str | None, health: str
) -> None:
    functions.state = state
    assert call("GET", "/health").body["parts"]["previews"]["status"] == health


def test_the_configuration_has_the_engines_of_this_deployment(
    call: Call, sagemaker: FakeSageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREVIEW_ON", "lambda")
    sagemaker.error = _error("ValidationException", 'Could not find endpoint "arn:…".')
    kinds = {each["kind"]: each for each in call("GET", "/config", owner=None).body["kinds"]}
    assert kinds["restyle_room"]["engines"] == ["preview"]
    assert kinds["generate"]["engines"] == []
    assert kinds["upscale"]["ignored_params"] == {"preview": ["content"]}


@pytest.mark.parametrize("error", [None, _error("ThrottlingException"), _error("AccessDeniedException")])
def test_an_endpoint_that_is_not_described_counts_as_deployed_and_is_asked_once_a_minute(
    call: Call, sagemaker: FakeSageMaker, error: Exception | None
) -> None:
    sagemaker.error = error
    asked = [call("GET", "/config", owner=None).body["kinds"]]
    sagemaker.error = _error("ValidationException", 'Could not find endpoint "arn:…".')
    asked.append(call("GET", "/config", owner=None).body["kinds"])
    for kinds in asked:
        assert {each["kind"]: each["engines"] for each in kinds}["generate"] == ["models"]


def test_a_failed_component_is_null_with_a_reason(
    call: Call, sagemaker: FakeSageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sagemaker.error = _error("ThrottlingException")

    def broken(_self: OpenJobs) -> None:
        raise KeyError("state")

    monkeypatch.setattr(OpenJobs, "count", broken)
    answer = call("GET", "/services")
    assert answer.status == 200
    assert (answer.body["endpoint"], answer.body["backlog"], answer.body["instances"]) == (None, None, [])
    assert answer.body["reasons"] == {"endpoint": "ThrottlingException", "backlog": "KeyError"}


def test_a_component_without_a_response_in_time_is_null(
    call: Call, sagemaker: FakeSageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    monkeypatch.setattr(service_status, "TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(InstanceReports, "read", lambda *_: answered.wait(20) and [])
    body = call("GET", "/services").body
    answered.set()
    assert (body["instances"], body["reasons"]["instances"]) == (None, "no answer in time")


def test_the_status_without_a_token_is_unauthorized(call: Call, sagemaker: FakeSageMaker) -> None:
    call("GET", "/services", owner=None).problem(401, "unauthorized")


# Bundled resources.


def test_avatars_are_listed_with_their_portraits(call: Call) -> None:
    found = call("GET", "/avatars").body["avatars"]
    assert len(found) >= 3
    for avatar in found:
        assert avatar.keys() == {"name", "title", "description", "licence", "picture"}
        head, _, data = avatar["picture"].partition(",")
        assert head == "data:image/webp;base64"
        assert base64.b64decode(data)[8:12] == b"WEBP"
        assert len(data) < 60_000


def test_each_kind_with_styles_lists_its_own(call: Call) -> None:
    rooms = call("GET", "/styles").body
    assert rooms == call("GET", "/styles", query={"kind": "restyle_room"}).body
    pictures = call("GET", "/styles", query={"kind": "generate"}).body["styles"]
    assert pictures
    assert [style["name"] for style in pictures] == list(picture_styles())
    assert all(style["palette"] == [] and style["title"] for style in pictures)
    call("GET", "/styles", query={"kind": "upscale"}).problem(422, "invalid_request")
