"""Deployed functions on moto with a fixed clock: drives jobs through them and records their messages."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from mypy_boto3_s3 import S3Client

from tests.aws_calls import Recorded
from tests.handlers.calls import request
from tests.handlers.conftest import ASSETS, BUCKET, JOBS, LEDGER, SOCKETS
from tests.handlers.queues import Queues
from tests.handlers.sockets import FakeSockets
from tests.recorded import today
from tests.recorded.aws_services import Bus, SageMaker
from tests.recorded.files import Files
from tests.recorded.fixed import Clock
from tests.recorded.lambda_events import REGION, sns_event, socket_event, sqs_event, stable, stream_record

UPLOADS_QUEUE = "uploads"
ADMIN = "darkroom/admin"

Item = dict[str, Any]
# The container's outcome of an invocation, which is named for the scenario that it belongs to.
OutcomeOf = Callable[[str, Item], Item]


@dataclass
class FakeDeployment:
    """Deployment that a scenario drives; ``files`` are its recorded messages, rows and responses."""

    clock: Clock
    bucket: S3Client
    queues: Queues
    uploads_url: str
    sagemaker: SageMaker
    bus: Bus
    sockets: FakeSockets
    outcome_of: OutcomeOf
    files: Files = field(default_factory=dict)
    sequence: int = 100

    def __post_init__(self) -> None:
        self.context: Any = SimpleNamespace(
            function_name="function",
            memory_limit_in_mb=512,
            invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:function",
            aws_request_id="00000000-0000-0000-0000-000000000000",
        )
        self.store = today.JobStore(JOBS)
        self.ledger = today.Ledger(LEDGER)

    # What is kept.

    def record(self, name: str, part: str, content: Any) -> Any:
        """Put ``content`` under ``part`` of the recorded file ``name``; returns it."""
        known = self.files.setdefault(name, {})
        assert part not in known, f"{name}: {part} is recorded twice"
        known[part] = json.loads(json.dumps(content))
        return content

    def record_row(self, name: str, part: str, job_id: str) -> Item:
        """Keep a job's row as the table has it."""
        row: Item = self.record(f"rows/jobs/{name}", part, self.row(JOBS, {"job_id": {"S": job_id}}))
        return row

    def row(self, table: str, key: Item) -> Item:
        """An item in DynamoDB's JSON."""
        client: Any = today.clients.dynamodb()
        item: Item = client.get_item(TableName=table, Key=key)["Item"]
        return item

    def rows(self, table: str) -> list[Item]:
        """Every item of a table, in the order of its keys."""
        client: Any = today.clients.dynamodb()
        found = client.scan(TableName=table)["Items"]
        return sorted(found, key=lambda item: json.dumps({name: item.get(name) for name in ("pk", "sk", "asset_id")}))

    # What callers do.

    def call(self, method: str, path: str, body: Any = None, *, record_as: str | None = None, **more: Any) -> Item:
        """Call the REST API; with ``record_as`` (``file#part``), record it with its response. Returns the body."""
        self.clock.advance()
        event = request(method, path, body, **more)
        raw = today.api.handler(event, self.context)
        headers = {name.lower(): value for name, value in (raw.get("headers") or {}).items()}
        answer = {"status": raw["statusCode"], "headers": headers, "body": json.loads(raw["body"])}
        if record_as is not None:
            name, _, part = record_as.partition("#")
            asked = {"method": method, "path": path, "body": body, **more}
            self.record(f"api/{name}", part, {"request": asked, "answer": stable(answer)})
        found: Item = answer["body"]
        return found

    def upload(self, key: str, data: bytes, *, record_as: str | None = None) -> None:
        """Put a file into the bucket, and have ``uploaded`` take what S3 says of it."""
        self.clock.advance()
        self.bucket.put_object(Bucket=BUCKET, Key=key, Body=data)
        self.notice_uploads(record_as)

    def notice_uploads(self, record_as: str | None = None) -> None:
        """Deliver the events that S3 has sent since; record the first under the name ``record_as``."""
        for message in self.received(self.uploads_url):
            body = json.loads(message["Body"])
            for record in body.get("Records", []):
                record["eventTime"] = self.clock.moment().strftime("%Y-%m-%dT%H:%M:%S.000Z")
                record["responseElements"] = {}
                record["s3"]["configurationId"] = "uploads"
            if record_as is not None and "Records" in body:
                self.record("queues/uploads", record_as, body)
            assert today.uploaded.handler(sqs_event(json.dumps(body)), self.context) == {"batchItemFailures": []}

    def frame(self, part: str, body: str, *, owner: str = "owner-1", connection: str = "connection-1=") -> list[Item]:
        """Send a message to the WebSocket; record it and the responses."""
        self.clock.advance()
        before = len(self.sockets.posted)
        event = socket_event("MESSAGE", connection, owner) | {"body": body}
        today.socket.handler(event, self.context)
        came = [{"connection": to, "message": message} for to, message in self.sockets.posted[before:]]
        self.record("socket/messages", part, {"event": event, "sent": came})
        return came

    # What the functions and the endpoint do.

    def received(self, url: str) -> list[Item]:
        """Take every message of a queue."""
        taken: list[Item] = []
        while messages := self.queues.client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages"):
            for message in messages:
                self.queues.client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                group = message.get("Attributes", {}).get("MessageGroupId")
                taken.append({"Body": message["Body"], "MessageGroupId": group})
        return taken

    def dispatch(self, name: str, *, part: str = "invocation") -> Item:
        """Dispatch the queued job to the endpoint; record message, call and input. Returns the input."""
        self.clock.advance()
        (message,) = self.received(self.queues.url)
        self.record("queues/jobs", f"{name}:{part}", {**message, "Body": json.loads(message["Body"])})
        today.dispatch.handler(sqs_event(message["Body"]), self.context)
        if not self.sagemaker.reachable:
            return {}
        call = dict(self.sagemaker.calls[-1])
        body: Item = json.loads(call.pop("Body"))
        self.record(f"invocations/{name}", part, {"call": call, "body": body})
        return body

    def start(self, invocation: Item) -> None:
        """Write the container's first update to the table."""
        self.clock.advance(2)
        self.store.start(invocation["job_id"], invocation["attempt"], message="Starting")

    def report(self, invocation: Item, *, preview: bool) -> None:
        """Write the container's progress to the table."""
        self.clock.advance(2)
        job_id, attempt = invocation["job_id"], invocation["attempt"]
        key = f"previews/{job_id}/{attempt}-1.jpg"
        self.store.report(
            job_id,
            attempt,
            progress=0.4375,
            stage="download",
            message="Fetching what was uploaded",
            timeline=[today.StageTime(stage="prepare", seconds=0.25), today.StageTime(stage="depth", seconds=1.5)],
            preview=today.PreviewPicture(key=key, width=320, height=240) if preview else None,
        )

    def finish(self, name: str, invocation: Item, outcome: Item, *, part: str = "success") -> None:
        """Put the outcome where the endpoint does, and have ``finished`` take the notice of it."""
        self.clock.advance(3)
        called = self._called(invocation)
        location = f"s3://{BUCKET}/outcomes/{called.inference_id}.out"
        key = location.removeprefix(f"s3://{BUCKET}/")
        self.bucket.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(outcome).encode())
        self.publish(
            name, today.notifications.success(called, REGION, location=location, content_type="application/json"), part
        )

    def fail(self, name: str, invocation: Item, reason: str, *, part: str, location: str | None = None) -> None:
        """Have ``finished`` take the notice of an invocation that the endpoint could not do."""
        self.clock.advance(3)
        called = self._called(invocation)
        kind = "application/problem+json" if location else "application/json"
        message = today.notifications.failure(called, REGION, reason=reason, location=location, content_type=kind)
        self.publish(name, message, part)

    def publish(self, name: str, message: str, part: str) -> None:
        """Keep a notice and deliver it."""
        self.record(f"notices/{name}", part, json.loads(message))
        today.finished.handler(sns_event(message), self.context)

    def end(self, job_id: str, *, part: str | None = None) -> None:
        """Deliver the stream record of an ended job to ``ended`` and ``push``; record the published event."""
        before = len(self.bus.entries)
        record = self.push(job_id)
        assert today.ended.handler({"Records": [record]}, self.context) == {"batchItemFailures": []}
        if part is not None:
            for entry in self.bus.entries[before:]:
                event = {**entry, "Time": entry["Time"].isoformat(), "Detail": json.loads(entry["Detail"])}
                self.record("events/" + part.partition(":")[0], part, event)

    def push(self, job_id: str) -> Item:
        """Have the stream bring a job as it is now to ``push``; the stream's record."""
        self.clock.advance()
        self.sequence += 1
        image = self.row(JOBS, {"job_id": {"S": job_id}})
        record = stream_record(image, self.sequence, self.clock())
        assert today.push.handler({"Records": [record]}, self.context) == {"batchItemFailures": []}
        return record

    def _called(self, invocation: Item) -> today.EndpointInvocation:
        """The invocation as the endpoint got it over the wire."""
        call = next(
            each
            for each in reversed(self.sagemaker.calls)
            if each["InferenceId"] == f"{invocation['job_id']}-{invocation['attempt']}"
        )
        headers = {
            "x-amzn-sagemaker-inference-id": call["InferenceId"],
            "x-amzn-sagemaker-content-type": call["ContentType"],
            "x-amzn-sagemaker-accept": call["Accept"],
            "x-amzn-sagemaker-requestttlseconds": str(call["RequestTTLSeconds"]),
            "x-amzn-sagemaker-invocationtimeoutseconds": str(call["InvocationTimeoutSeconds"]),
        }
        return today.parse_endpoint_invocation(call["EndpointName"], headers, call["Body"])


def make(
    patch: pytest.MonkeyPatch, clock: Clock, bucket: S3Client, queues: Queues, outcome_of: OutcomeOf
) -> FakeDeployment:
    """Make a deployment whose tables, bucket and queues are the fixtures' of the functions' tests."""
    client = queues.client
    uploads = client.create_queue(QueueName=UPLOADS_QUEUE)["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=uploads, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events: Any = ["s3:ObjectCreated:*"]
    bucket.put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "QueueArn": arn,
                    "Events": events,
                    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": p}]}},
                }
                for p in ("uploads/", "assets/")
            ]
        },
    )
    sagemaker, bus, sockets = SageMaker(), Bus(), FakeSockets()
    patch.setattr(today.clients, "sagemaker", lambda *_: Recorded("sagemaker", sagemaker))
    patch.setattr(today.clients, "sagemaker_runtime", lambda *_: Recorded("sagemaker-runtime", sagemaker))
    patch.setattr(today.clients, "application_autoscaling", lambda *_: Recorded("application-autoscaling", sagemaker))
    patch.setattr(today.clients, "eventbridge", lambda *_: Recorded("events", bus))
    patch.setattr(today.clients, "apigateway_management", lambda *_: sockets)
    return FakeDeployment(clock, bucket, queues, uploads, sagemaker, bus, sockets, outcome_of)


__all__ = ["ADMIN", "ASSETS", "BUCKET", "JOBS", "LEDGER", "SOCKETS", "FakeDeployment", "make"]
