"""Event replay: records the events of a running stack, and delivers each again, twice, late and out of order.

Recorded are the stream records of the jobs table and the notices of the endpoint. The events of S3 and of the job queue
are built from the stream records: nobody but their functions may receive those.
"""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from darkroom.contract.jobs import State
from tests.chaos.service import OUTAGE, Service

BATCH = 10
QUEUE = "chaos-notices"
PAUSE_SECONDS = 0.5
Record = dict[str, Any]


@dataclass(frozen=True)
class RecordedEvent:
    """One record of an event, as its function receives it. ``identity`` is equal for equal events."""

    function: str
    record: Record
    identity: str


@dataclass
class EventReplay:
    """Recorder of events, and their repeated delivery by direct invocations.

    With ``received_again``, messages of queues may say that they were received before: then the endpoint is called
    once more. That would mend what a killed endpoint forgets. ``delivered`` counts repeated deliveries by function;
    ``refused`` has the errors of functions that did not take one.
    """

    service: Service
    random: Random
    received_again: bool = True
    delivered: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    _events: dict[str, RecordedEvent] = field(default_factory=dict)
    _iterator: str | None = None
    _notices: str | None = None
    _generation: int = -1
    _kills: int = 0
    _stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Record events, and deliver some of them again, until ``stop``."""
        while not self._stopped.wait(PAUSE_SECONDS):
            with self.service.repetitions, suppress(*OUTAGE, BotoCoreError, ClientError, RuntimeError):
                new = self.record()
                old = self.random.sample(list(self._events.values()), min(BATCH, len(self._events)))
                self._deliver([*new, *old], refusals=False)

    def stop(self) -> None:
        """Make ``run`` return."""
        self._stopped.set()

    def deliver_all(self) -> None:
        """Deliver every recorded event twice more, in any order. Nothing disturbs the stack, so none may be refused."""
        self.record()
        for _ in range(2):
            self._deliver(list(self._events.values()), refusals=True)

    def record(self) -> list[RecordedEvent]:
        """Record what has happened since the last call; return the new events."""
        if self._generation != self.service.generation:
            self._connect()
        new = {event.identity: event for event in (*self._stream_events(), *self._notice_events())}
        new = {identity: event for identity, event in new.items() if identity not in self._events}
        self._events |= new
        return list(new.values())

    def _connect(self) -> None:
        """Read the stream from its beginning, and receive the endpoint's notices in a queue of our own.

        What was recorded before the emulator was killed may be of a state that it has lost.
        """
        stack, generation = self.service.stack, self.service.generation
        if self._kills != len(self.service.killed_at):
            self._kills = len(self.service.killed_at)
            self._events.clear()
        table = stack.client("dynamodb").describe_table(TableName=stack.jobs_table)["Table"]
        streams = stack.client("dynamodbstreams")
        shards = streams.describe_stream(StreamArn=table["LatestStreamArn"])["StreamDescription"]["Shards"]
        self._iterator = streams.get_shard_iterator(
            StreamArn=table["LatestStreamArn"], ShardId=shards[0]["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        sqs = stack.client("sqs")
        topics = [stack.state.success_topic, stack.state.error_topic]
        self._notices = sqs.create_queue(QueueName=QUEUE, Attributes={"Policy": policy(topics)})["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self._notices, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for topic in topics:
            stack.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        self._generation = generation

    def _stream_events(self) -> Iterator[RecordedEvent]:
        streams = self.service.stack.client("dynamodbstreams")
        while self._iterator is not None:
            page = streams.get_records(ShardIterator=self._iterator, Limit=100)
            self._iterator = page.get("NextShardIterator")
            for record in page["Records"]:
                yield from self._events_of(record)
            if not page["Records"]:
                return

    def _events_of(self, stream_record: Record) -> Iterator[RecordedEvent]:
        image = stream_record["dynamodb"].get("NewImage")
        if image is None:
            return
        job_id, state, seq = image["job_id"]["S"], image["state"]["S"], image["seq"]["N"]
        record = {**stream_record, "dynamodb": dict(stream_record["dynamodb"])}
        created = record["dynamodb"].pop("ApproximateCreationDateTime", None)
        if created is not None:
            record["dynamodb"]["ApproximateCreationDateTime"] = created.timestamp()
        yield RecordedEvent("push", record, f"push {job_id} {seq}")
        if State(state).terminal:
            yield RecordedEvent("ended", record, f"ended {job_id} {seq}")
        for role, upload in image["uploads"]["M"].items():
            if upload["M"].get("received", {}).get("BOOL"):
                body = s3_body(self.service.stack.bucket, f"uploads/{job_id}/{role}")
                yield RecordedEvent("uploaded", self._sqs_record(body), f"uploaded {job_id} {role}")
        if state == State.DISPATCHED:
            attempt = int(image["attempt"]["N"])
            body = {"job_id": job_id, "attempt": attempt, "kind": image["kind"]["S"]}
            yield RecordedEvent("dispatch", self._sqs_record(body), f"dispatch {job_id} {attempt}")

    def _notice_events(self) -> Iterator[RecordedEvent]:
        sqs = self.service.stack.client("sqs")
        while self._notices is not None:
            messages = sqs.receive_message(QueueUrl=self._notices, MaxNumberOfMessages=10).get("Messages", [])
            for message in messages:
                body = json.loads(message["Body"])
                notice = json.loads(body["Message"])
                # A killed function announces nothing: Lambda reports its failure, in a form of its own.
                attempt = notice.get("inferenceId") or notice["requestPayload"]["inference_id"]
                identity = f"finished {attempt} {notice.get('invocationStatus')}"
                record = {"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": body}
                yield RecordedEvent("finished", record, identity)
                sqs.delete_message(QueueUrl=self._notices, ReceiptHandle=message["ReceiptHandle"])
            if not messages:
                return

    def _sqs_record(self, body: Record) -> Record:
        """Return a message of a queue."""
        received = self.random.choice("12") if self.received_again else "1"
        attributes = {"ApproximateReceiveCount": received, "SentTimestamp": "0"}
        return {
            "messageId": f"again-{self.random.getrandbits(32):x}",
            "receiptHandle": "again",
            "body": json.dumps(body),
            "attributes": attributes,
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "awsRegion": "us-east-1",
        }

    def _deliver(self, events: Sequence[RecordedEvent], *, refusals: bool) -> None:
        """Invoke the functions with the events, in any order and in batches."""
        shuffled = self.random.sample(list(events), len(events))
        for function in sorted({event.function for event in events}):
            records = [event.record for event in shuffled if event.function == function]
            for start in range(0, len(records), BATCH):
                batch = records[start : start + BATCH]
                try:
                    answer = self.service.stack.invoke(function, {"Records": batch})
                except RuntimeError as error:
                    if not refusals:
                        raise
                    self.refused.append(f"{function}: {error}")
                    continue
                self.delivered[function] += len(batch)
                if refusals and answer and answer.get("batchItemFailures"):
                    self.refused.append(f"{function} did not take {answer['batchItemFailures']}")


def s3_body(bucket: str, key: str) -> Record:
    """Return S3's message of a new object."""
    entity = {"bucket": {"name": bucket}, "object": {"key": key, "size": 1}}
    return {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Post", "s3": entity}]}


def policy(topics: Sequence[str]) -> str:
    """Return the policy of a queue that receives the messages of some topics."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
        "Condition": {"ArnEquals": {"aws:SourceArn": list(topics)}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
