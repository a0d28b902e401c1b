"""Fakes of what surrounds the endpoint's queue: AWS and an instance in memory."""

import json
import queue
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.endpoint.aws import AwsError, AwsUnavailable
from infra.local.endpoint.endpoint import Endpoint
from infra.local.endpoint.faults import Faults, FaultValues
from infra.local.endpoint.fleet import Fleet
from infra.local.endpoint.instance import InstanceCrashed
from infra.local.endpoint.invocation import EndpointInvocation
from infra.local.endpoint.invocation_store import InvocationStore
from infra.local.endpoint.settings import Settings
from tests.infra.endpoint.stack import BUCKET, Cloud, values_of

WAIT = 30


@dataclass
class FakeAws:
    """S3 and SNS in memory, which may be away or reject what is written."""

    away: bool = False
    rejects: bool = False
    tries: "queue.Queue[str]" = field(default_factory=queue.Queue)
    objects: dict[str, bytes] = field(default_factory=dict)
    published: "queue.Queue[dict[str, Any]]" = field(default_factory=queue.Queue)

    def _answer(self, what: str) -> None:
        self.tries.put(what)
        if self.away:
            raise AwsUnavailable("connection refused")

    def read(self, location: str) -> bytes:
        self._answer("read")
        return location.encode()

    def write(self, location: str, body: bytes, _content_type: str) -> None:
        self._answer("write")
        if self.rejects:
            raise AwsError("404 NoSuchBucket")
        self.objects[location] = body

    def publish(self, _topic: str, message: str) -> None:
        self._answer("publish")
        self.published.put(json.loads(message))

    def notice(self) -> tuple[str, str]:
        """Inference id and reason of the next notification; the reason of a success is empty."""
        message = self.published.get(timeout=WAIT)
        return message["inferenceId"], message.get("failureReason", "")


class FakeInstance:
    """Instance that answers with its input, at once or until it is stopped."""

    def __init__(self, hangs: bool) -> None:
        self.alive, self.killed, self.in_flight, self.idle_since = True, False, 0, 0.0
        self.hangs = hangs
        self.invoked: queue.Queue[bytes] = queue.Queue()
        self.stopped = threading.Event()

    def wait_ready(self, _seconds: float, _cancelled: threading.Event) -> bool:
        return True

    def invoke(self, body: bytes, _headers: Any, *, seconds: float) -> tuple[int, bytes, str]:
        self.invoked.put(body)
        if self.hangs:
            assert self.stopped.wait(min(seconds, WAIT))
            raise InstanceCrashed
        return 200, body, "text/plain"

    def stop(self, _seconds: float) -> None:
        self.stopped.set()

    kill = terminate = lambda self: self.stopped.set()


class Machine:
    """One process of the stand-in, without its server: an endpoint, its instance and AWS."""

    def __init__(self, folder: Path, aws: FakeAws, *, hangs: bool, instances: int) -> None:
        self.instance = FakeInstance(hangs)
        faults = Faults(FaultValues(min_instances=instances, cold_start_seconds=0 if instances else 600))
        fleet = Fleet(
            lambda _on_exit: self.instance,  # type: ignore[arg-type,return-value]
            faults,
            max_instances=1,
            concurrency=1,
            start_seconds=1,
            stop_seconds=1,
        )
        cloud = Cloud("http://127.0.0.1:1", {"success": "succeeded", "error": "failed"}, {}, None, folder)  # type: ignore[arg-type]
        settings = Settings(**values_of(cloud))
        self.store = InvocationStore(folder)
        self.endpoint = Endpoint(settings, fleet, faults, aws, self.store)  # type: ignore[arg-type]

    def submit(self, *names: str, **more: Any) -> None:
        for name in names:
            self.endpoint.submit(EndpointInvocation("pictures-gpu", name, f"s3://{BUCKET}/{name}", **more))
