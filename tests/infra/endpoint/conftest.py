"""The endpoint's stand-in between plain boto3 clients and the emulator's S3, SNS and SQS."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import boto3
import pytest

from darkroom.client.ports import free_port
from infra.local import emulator
from infra.local.endpoint.faults import FaultValues
from infra.local.state import RootKey
from tests.infra.endpoint.stack import BUCKET, ROOT, Cloud, Stack, serving


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The emulator, with a bucket and two topics that queues listen to."""
    folder, port = tmp_path_factory.mktemp("emulator"), free_port()
    environment = emulator.environment(folder, port, endpoint_url="http://127.0.0.1:1", snapshots=False)
    process = emulator.start(folder, port, environment)
    key = RootKey.of(folder)
    try:
        emulator.wait_until_ready(process, emulator.ready_url(port), folder / emulator.LOG)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(ROOT)
            patch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the first credentials that it has found
            for name, value in emulator.credentials(port, key).items():
                patch.setenv(name, value)
            boto3.client("s3").create_bucket(Bucket=BUCKET)
            sns, sqs = boto3.client("sns"), boto3.client("sqs")
            topics, queues = {}, {}
            for name in ("success", "error"):
                topics[name] = sns.create_topic(Name=name)["TopicArn"]
                statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Resource": "*"}
                policy = json.dumps({"Statement": [statement | {"Action": "sqs:SendMessage"}]})
                queues[name] = sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
                attributes = sqs.get_queue_attributes(QueueUrl=queues[name], AttributeNames=["QueueArn"])
                arn = attributes["Attributes"]["QueueArn"]
                sns.subscribe(TopicArn=topics[name], Protocol="sqs", Endpoint=arn)
            yield Cloud(emulator.address(port), topics, queues, key, folder)
    finally:
        emulator.stop(process, folder, save=False)


def drain(stack: Stack) -> None:
    """Remove the messages that no test has read: all stand-ins share the queues."""
    for topic in ("success", "error"):
        while stack.notification(topic, wait=False) is not None:
            pass


@pytest.fixture
def start(cloud: Cloud) -> Iterator[Callable[..., Stack]]:
    started: list[Stack] = []
    with ExitStack() as stack:

        def begin(**changes: Any) -> Stack:
            started.append(stack.enter_context(serving(cloud, **changes)))
            return started[-1]

        yield begin
    for each in started:
        drain(each)  # a stopped instance fails what it was working on


@pytest.fixture(scope="module")
def shared(cloud: Cloud) -> Iterator[Stack]:
    with serving(cloud) as stack:
        yield stack


@pytest.fixture
def running(shared: Stack) -> Iterator[Stack]:
    """A stand-in with one warm instance, its switches off and its topics silent."""
    yield shared
    shared.faults(**FaultValues().model_dump())
    shared.until(lambda status: status["invocations"] == 0)
    drain(shared)
