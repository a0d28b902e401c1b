"""A running stand-in of the asynchronous endpoint, and what a control plane would use around it."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import urllib3
import uvicorn
from botocore.config import Config

from darkroom.client.ports import free_port
from infra.local.clients import sign
from infra.local.endpoint.__main__ import build
from infra.local.endpoint.server import EndpointServer
from infra.local.endpoint.settings import HEALTH, Settings
from infra.local.state import RootKey

BUCKET = "pictures"
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Cloud:
    url: str
    topics: dict[str, str]
    queues: dict[str, str]
    key: RootKey
    folder: Path


class Stack:
    """A running stand-in and what a control plane would use around it."""

    def __init__(self, server: EndpointServer | None, port: int, queues: dict[str, str], key: RootKey) -> None:
        self.key = key
        self.url = f"http://127.0.0.1:{port}"
        self._server = server  # None: in another process
        self.s3 = boto3.client("s3")
        self.sqs = boto3.client("sqs")
        config = Config(retries={"total_max_attempts": 1})
        self.runtime = boto3.client("sagemaker-runtime", endpoint_url=self.url, config=config)
        self.sagemaker = boto3.client("sagemaker", endpoint_url=self.url, config=config)
        self._queues = queues

    @property
    def server(self) -> EndpointServer:
        assert self._server is not None
        return self._server

    def put(self, body: dict[str, Any], name: str = "input.json") -> str:
        key = f"invocations/{name}"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(body).encode())
        return f"s3://{BUCKET}/{key}"

    def invoke(self, do: str, inference_id: str = "job-1", **more: Any) -> Any:
        location = self.put({"do": do}, f"{inference_id}.json")
        return self.runtime.invoke_endpoint_async(
            EndpointName="pictures-gpu", InputLocation=location, InferenceId=inference_id, **more
        )

    def notification(self, topic: str, *, wait: bool = True) -> dict[str, Any] | None:
        """The next message of a topic; with ``wait``, as soon as there is one."""
        while True:
            answer = self.sqs.receive_message(QueueUrl=self._queues[topic], WaitTimeSeconds=5 if wait else 0)
            for message in answer.get("Messages", []):
                self.sqs.delete_message(QueueUrl=self._queues[topic], ReceiptHandle=message["ReceiptHandle"])
                return json.loads(json.loads(message["Body"])["Message"])
            if not wait:
                return None

    def read(self, location: str) -> Any:
        key = location.removeprefix(f"s3://{BUCKET}/")
        return json.loads(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def faults(self, **changes: Any) -> dict[str, Any]:
        answer = self.control("POST", "/_faults", changes)
        assert answer.status == 200, answer.data
        return answer.json()

    def control(self, method: str, path: str, body: object = None, **headers: str) -> urllib3.BaseHTTPResponse:
        """The answer to a signed request of no client of AWS's."""
        url = f"{self.url}{path}"
        content = b"" if body is None else json.dumps(body).encode()
        return urllib3.request(method, url, body=content, headers=headers | sign(self.key, method, url, content))

    def until(self, condition: Callable[[dict[str, int]], bool]) -> dict[str, int]:
        """The status, once ``condition`` holds of it."""
        while not condition(status := self.control("GET", "/_status").json()):
            threading.Event().wait(0.02)
        return status

    def until_serving(self) -> None:
        """Return once the server responds."""
        while True:
            with suppress(urllib3.exceptions.HTTPError):
                urllib3.request("GET", f"{self.url}{HEALTH}", retries=False)
                return
            threading.Event().wait(0.02)


def values_of(cloud: Cloud) -> dict[str, Any]:
    """The settings of a stand-in that serves ``cloud``."""
    return {
        "endpoint_name": "pictures-gpu",
        "output_location": f"s3://{BUCKET}/outcomes",
        "failure_location": f"s3://{BUCKET}/outcomes/failures/",
        "success_topic_arn": cloud.topics["success"],
        "error_topic_arn": cloud.topics["error"],
        "aws_endpoint_url": cloud.url,
        "jobs_table": "jobs",
        "ledger_table": "ledger",
        "bucket": BUCKET,
        "container_module": "tests.infra.fake_container",
        "invocations_folder": cloud.folder / f"invocations-{uuid.uuid4().hex}",
    }


@contextmanager
def serving(cloud: Cloud, **changes: Any) -> Iterator[Stack]:
    port = free_port()
    server_of_endpoint = build(Settings(**(values_of(cloud) | {"port": port} | changes)))
    server = uvicorn.Server(uvicorn.Config(server_of_endpoint.app(), port=port, log_config=None))
    started = threading.Event()
    server.startup = signalling(server.startup, started)  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run)
    thread.start()
    started.wait(30)
    try:
        yield Stack(server_of_endpoint, port, cloud.queues, cloud.key)
    finally:
        server.should_exit = True
        thread.join()


def signalling(startup: Callable[..., Any], started: threading.Event) -> Callable[..., Any]:
    async def run(sockets: Any = None) -> None:
        await startup(sockets)
        started.set()

    return run
