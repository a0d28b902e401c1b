"""Endpoint queue: takes an invocation's input, calls an instance, writes the output and publishes it.

Accepted invocations are in a store until their notification has been delivered, so that the next process goes on with
what this one leaves, whichever way it ends.
"""

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from infra.local.endpoint import notifications
from infra.local.endpoint.aws import AwsError, AwsUnavailable, S3AndSns
from infra.local.endpoint.faults import Faults
from infra.local.endpoint.fleet import Closed, Fleet
from infra.local.endpoint.instance import Instance, InstanceCrashed, InvocationTimedOut
from infra.local.endpoint.invocation import EndpointInvocation
from infra.local.endpoint.invocation_store import KEPT_SECONDS, Answer, InvocationStore, StoredInvocation
from infra.local.endpoint.settings import Settings

logger = logging.getLogger(__name__)

# Threads that read inputs ahead, wait for a slot, write outputs and publish notifications.
MIN_WORKERS = 16
# Pauses while the emulator does not respond; they double.
FIRST_PAUSE_SECONDS = 0.1
LAST_PAUSE_SECONDS = 5.0
LOST = "InternalServerError: Lost the connection to the model container."
EXPIRED = "ClientError: The request expired: it was in the queue longer than RequestTTLSeconds."


def workers(settings: Settings) -> int:
    """Return the number of invocations handled at once."""
    return max(MIN_WORKERS, 2 * settings.instances * settings.concurrency)


class _Failure(Exception):
    """Raised for a failed invocation; ``output`` and its type are the container's, if it gave one."""

    def __init__(self, reason: str, output: bytes | None = None, content_type: str = "application/json") -> None:
        super().__init__(reason)
        self.reason = reason
        self.output = output
        self.content_type = content_type


class Endpoint:
    """Queue of invocations before a fleet of instances. Thread-safe."""

    def __init__(self, settings: Settings, fleet: Fleet, faults: Faults, aws: S3AndSns, store: InvocationStore) -> None:
        self._settings = settings
        self._fleet = fleet
        self._faults = faults
        self._aws = aws
        self._store = store
        self._closed = threading.Event()
        self._workers = ThreadPoolExecutor(workers(settings), thread_name_prefix="invocation")

    def output_location(self, invocation: EndpointInvocation) -> str:
        """Return the output's S3 URI of ``invocation``."""
        return f"{self._settings.output_location}{invocation.inference_id}.out"

    def failure_location(self, invocation: EndpointInvocation) -> str | None:
        """Return the S3 URI of an error output; None when errors are not stored."""
        where = self._settings.failure_location
        return f"{where}{invocation.inference_id}-error.out" if where else None

    def resume(self) -> None:
        """Go on with what an earlier process left.

        Waiting invocations wait for what is left of their TTL. Those that an instance had are answered as lost, since
        it ended with the process. Answers that were not delivered, or only just, are delivered.
        """
        for stored in self._store.load():
            if stored.running and stored.answer is None:
                stored = self._store.answer(stored, self._failed(stored.invocation, _Failure(LOST)))  # noqa: PLW2901
            self._enqueue(stored)

    def submit(self, invocation: EndpointInvocation) -> None:
        """Store and queue an invocation. While the endpoint closes, it waits for the next start. Raises ``OSError``."""
        self._enqueue(self._store.add(invocation))

    def close(self) -> None:
        """Stop: running invocations may finish while the instances stop, the others stay in the store. Idempotent."""
        self._closed.set()
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._fleet.close()
        self._workers.shutdown(wait=True)
        self._store.forget(time.time() - KEPT_SECONDS)

    def _enqueue(self, stored: StoredInvocation) -> None:
        if self._closed.is_set():
            return
        if stored.answer is None:
            self._fleet.enter()
        with suppress(RuntimeError):  # closed meanwhile
            self._workers.submit(self._process, stored)

    def _process(self, stored: StoredInvocation) -> None:
        name = stored.invocation.inference_id
        try:
            self._deliver(stored if stored.answer is not None else self._answer(stored))
        except Closed:
            logger.info("%s waits for the next start", name)
        except AwsError:
            logger.exception("the answer to %s was rejected; it is delivered again at the next start", name)
        finally:
            if stored.answer is None:
                self._fleet.leave()

    def _answer(self, stored: StoredInvocation) -> StoredInvocation:
        """Have an instance answer the invocation; store the answer. Raises ``Closed`` when none has taken it."""
        invocation = stored.invocation
        try:
            output, content_type = self._invoke(stored)
        except Closed:
            raise
        except _Failure as failure:
            return self._store.answer(stored, self._failed(invocation, failure))
        except Exception as error:
            logger.exception("invocation %s was lost", invocation.inference_id)
            return self._store.answer(stored, self._failed(invocation, _Failure(f"InternalServerError: {error}")))
        location = self.output_location(invocation)
        notification = notifications.success(
            invocation,
            self._settings.aws_region,
            location=location,
            content_type=content_type,
            included=self._included(notifications.SUCCESS_TOPIC, output),
        )
        answer = Answer(
            failed=False, notification=notification, location=location, output=output, content_type=content_type
        )
        return self._store.answer(stored, answer)

    def _failed(self, invocation: EndpointInvocation, failure: _Failure) -> Answer:
        logger.warning("invocation %s failed: %s", invocation.inference_id, failure.reason)
        location = self.failure_location(invocation) if failure.output is not None else None
        notification = notifications.failure(
            invocation,
            self._settings.aws_region,
            reason=failure.reason,
            location=location,
            content_type=failure.content_type,
            included=self._included(notifications.ERROR_TOPIC, failure.output),
        )
        return Answer(
            failed=True,
            notification=notification,
            location=location,
            output=failure.output or b"",
            content_type=failure.content_type,
        )

    def _included(self, topic: str, output: bytes | None) -> bytes | None:
        """Return the output if notifications on ``topic`` have it."""
        return output if topic in self._settings.include_inference_response_in else None

    def _invoke(self, stored: StoredInvocation) -> tuple[bytes, str]:
        invocation = stored.invocation
        body = self._read_input(invocation) if invocation.body is None else invocation.body
        with self._fleet.slot(invocation.expires - time.time()) as instance:
            if instance is None or time.time() >= invocation.expires:
                raise _Failure(EXPIRED)
            self._store.start(stored)
            status, output, content_type = self._call_instance(instance, invocation, body)
        if not 200 <= status < 300:
            raise _Failure(f"ClientError: Received server error ({status}) from model.", output, content_type)
        return output, content_type

    def _read_input(self, invocation: EndpointInvocation) -> bytes:
        assert invocation.input_location is not None
        for pause in _pauses():
            try:
                return self._aws.read(invocation.input_location)
            except AwsUnavailable as error:
                logger.warning("the input of %s cannot be read yet: %s", invocation.inference_id, error)
            except AwsError as error:
                reason = f"ClientError: Unable to read the input at {invocation.input_location}: {error}"
                raise _Failure(reason) from error
            if time.time() >= invocation.expires:
                break
            if self._closed.wait(pause):
                raise Closed
        raise _Failure(EXPIRED)

    def _call_instance(self, instance: Instance, invocation: EndpointInvocation, body: bytes) -> tuple[int, bytes, str]:
        headers = {
            "Content-Type": invocation.content_type or "application/octet-stream",
            "Accept": invocation.accept or "*/*",
            "X-Amzn-SageMaker-Inference-Id": invocation.inference_id,
        }
        if invocation.custom_attributes:
            headers["X-Amzn-SageMaker-Custom-Attributes"] = invocation.custom_attributes
        try:
            if self._faults.take_crash():
                return self._crash(instance, headers, body, invocation.timeout)
            return instance.invoke(body, headers, seconds=invocation.timeout)
        except InvocationTimedOut as error:
            raise _Failure("ClientError: The model timed out: no answer within InvocationTimeoutSeconds.") from error
        except InstanceCrashed as error:
            raise _Failure(LOST) from error

    def _crash(
        self, instance: Instance, headers: dict[str, str], body: bytes, timeout: float
    ) -> tuple[int, bytes, str]:
        """Kill the instance during an invocation, at the latest when it responds, so that its output is lost."""
        timer = threading.Timer(self._faults.values.crash_seconds, instance.kill)
        timer.start()
        try:
            instance.invoke(body, headers, seconds=timeout)
        finally:
            timer.cancel()
            instance.kill()
        raise InstanceCrashed

    def _deliver(self, stored: StoredInvocation) -> None:
        """Write the output and publish the notification, once the emulator responds.

        Raises ``Closed`` if it does not until the endpoint closes, and ``AwsError`` when it rejects one of them.
        """
        answer = stored.answer
        assert answer is not None
        faults = self._faults.values
        if faults.delay_seconds:
            self._closed.wait(faults.delay_seconds)
        topic = self._settings.error_topic_arn if answer.failed else self._settings.success_topic_arn
        for pause in _pauses():
            try:
                if answer.location is not None:
                    self._aws.write(answer.location, answer.output, answer.content_type)
                if topic is not None:
                    for _ in range(2 if faults.duplicate else 1):
                        self._aws.publish(topic, answer.notification)
            except AwsUnavailable as error:
                logger.warning("the answer to %s cannot be delivered yet: %s", stored.invocation.inference_id, error)
            else:
                self._store.deliver(stored)
                return
            if self._closed.wait(pause):
                raise Closed


def _pauses() -> Iterator[float]:
    """Yield the pauses between two tries: without an end, each twice as long as the one before, up to a limit."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(2 * pause, LAST_PAUSE_SECONDS)
