"""Snapshots of a running emulator: what a client has written survives ``kill -9``."""

import io
import json
import os
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from darkroom.client.ports import free_port
from infra.local import emulator
from infra.local.clients import Clients
from infra.local.process import Process
from infra.local.snapshots.files import SnapshotFiles
from infra.local.state import RootKey

SECONDS = 60
TABLE, QUEUE = "jobs", "work"
ROLE = "arn:aws:iam::000000000000:role/reader"
FAILING = "def handler(event, context):\n    raise ValueError('not today')\n"
# Sends what it reads to a queue.
SENDING = """
import json, boto3
sqs = boto3.client("sqs")
def handler(event, context):
    url = sqs.get_queue_url(QueueName="read")["QueueUrl"]
    for record in event["Records"]:
        sqs.send_message(QueueUrl=url, MessageBody=record["dynamodb"]["Keys"]["id"]["S"])
"""


class Emulator:
    """An emulator that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.clients = Clients(self.port, RootKey.of(folder))
        self._process: Process | None = None

    def start(self) -> list[str]:
        said = SnapshotFiles(self.folder).repair()
        environment = emulator.environment(self.folder, self.port, endpoint_url="http://127.0.0.1:1")
        self._process = emulator.start(self.folder, self.port, environment)
        emulator.wait_until_ready(self._process, emulator.ready_url(self.port), self.folder / emulator.LOG)
        return said

    def kill(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        emulator.wait_until_free(self.port)

    def stop(self) -> None:
        if self._process is not None:
            emulator.stop(self._process, self.folder)

    def wait_until_saved(self) -> None:
        until(lambda: not (self.folder / "unsaved.json").exists())

    def put(self, item: str) -> None:
        self.clients("dynamodb").put_item(TableName=TABLE, Item={"id": {"S": item}})

    def has(self, item: str) -> bool:
        return "Item" in self.clients("dynamodb").get_item(TableName=TABLE, Key={"id": {"S": item}})


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def code(source: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", source)
    return buffer.getvalue()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Emulator]:
    running = Emulator(tmp_path)
    running.start()
    running.clients("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    try:
        yield running
    finally:
        running.stop()


def test_rows_survive_a_kill_and_a_message_in_flight_is_delivered_again(running: Emulator) -> None:
    sqs = running.clients("sqs")
    url = sqs.create_queue(QueueName=QUEUE, Attributes={"VisibilityTimeout": "3600"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="a job")
    running.put("first")
    assert receive(sqs, url) == [("a job", "1")]
    running.wait_until_saved()
    running.kill()
    assert running.start() == []
    assert running.has("first")
    assert receive(sqs, url) == [("a job", "1")]


def test_changes_after_the_last_snapshot_are_marked_as_lost(running: Emulator) -> None:
    running.put("saved")
    running.wait_until_saved()
    with FileLock(running.folder / "state.lock"):  # no snapshot can be written
        running.put("lost")
        running.kill()
    assert (running.folder / "unsaved.json").exists()
    running.start()
    assert running.has("saved")
    assert not running.has("lost")
    assert (running.folder / "lost.json").exists()


def test_reading_is_no_change(running: Emulator) -> None:
    running.wait_until_saved()
    manifest = (running.folder / "state" / "snapshot.json").read_bytes()
    for _ in range(3):
        running.has("anything")
        running.clients("s3").list_buckets()
    assert not (running.folder / "unsaved.json").exists()
    running.put("a change")
    assert (running.folder / "unsaved.json").exists()
    until(lambda: (running.folder / "state" / "snapshot.json").read_bytes() != manifest)


def test_a_change_that_no_function_has_read_is_read_after_a_kill(running: Emulator) -> None:
    functions, sqs = running.clients("lambda"), running.clients("sqs")
    read = sqs.create_queue(QueueName="read")["QueueUrl"]
    make_role(running.clients("iam"))
    functions.create_function(
        FunctionName="reader",
        Runtime="python3.13",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": code(SENDING)},
    )
    stream = running.clients("dynamodb").describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
    functions.create_event_source_mapping(
        EventSourceArn=stream, FunctionName="reader", StartingPosition="TRIM_HORIZON", BatchSize=1
    )
    running.put("before")
    until(lambda: receive(sqs, read, delete=True) == [("before", "1")])
    functions.update_function_code(FunctionName="reader", ZipFile=code(FAILING))
    running.put("during")
    running.wait_until_saved()
    running.kill()
    running.start()
    functions.update_function_code(FunctionName="reader", ZipFile=code(SENDING))
    running.put("after")
    found: list[str] = []
    until(lambda: found.extend(body for body, _ in receive(sqs, read, delete=True)) or len(found) == 2)
    assert found == ["during", "after"]


def test_a_state_that_a_service_cannot_load_stops_the_start_with_a_remedy(running: Emulator) -> None:
    running.wait_until_saved()
    running.stop()
    path = running.folder / "state" / "sqs.json"
    path.write_text(json.dumps({"__ministack_format__": 99, "payload": {}}))
    with pytest.raises(emulator.StartError, match="newer emulator; `darkroom down --purge`"):
        running.start()


def receive(sqs: Any, url: str, *, delete: bool = False) -> list[tuple[str, str]]:
    """Body and number of deliveries of each message that is visible now."""
    messages = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["ApproximateReceiveCount"]
    ).get("Messages", [])
    if delete:
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [(message["Body"], message["Attributes"]["ApproximateReceiveCount"]) for message in messages]


def make_role(iam: Any) -> None:
    allow = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    iam.put_role_policy(RoleName="reader", PolicyName="send", PolicyDocument=json.dumps({"Statement": [allow]}))
