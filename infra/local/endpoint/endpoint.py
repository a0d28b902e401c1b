"""Endpoint queue: reads an invocation's input from S3, calls an instance, writes the output and publishes it."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from infra.local.endpoint import notifications
from infra.local.endpoint.aws import AwsError, S3AndSns
from infra.local.endpoint.faults import Faults
from infra.local.endpoint.fleet import Closed, Fleet
from infra.local.endpoint.instance import Instance, InstanceCrashed, InvocationTimedOut
from infra.local.endpoint.invocation import EndpointInvocation
from infra.local.endpoint.settings import Settings

logger = logging.getLogger(__name__)

# Threads that read inputs ahead, wait for a slot, write outputs and publish notifications.
MIN_WORKERS = 16


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

    def __init__(self, settings: Settings, fleet: Fleet, faults: Faults, aws: S3AndSns) -> None:
        self._settings = settings
        self._fleet = fleet
        self._faults = faults
        self._aws = aws
        self._closed = threading.Event()
        self._workers = ThreadPoolExecutor(workers(settings), thread_name_prefix="invocation")

    def output_location(self, invocation: EndpointInvocation) -> str:
        """Return the output's S3 URI of ``invocation``."""
        return f"{self._settings.output_location}{invocation.inference_id}.out"

    def failure_location(self, invocation: EndpointInvocation) -> str | None:
        """Return the S3 URI of an error output; None when errors are not stored."""
        where = self._settings.failure_location
        return f"{where}{invocation.inference_id}-error.out" if where else None

    def submit(self, invocation: EndpointInvocation) -> None:
        """Queue an invocation."""
        self._fleet.enter()
        self._workers.submit(self._process, invocation, time.monotonic() + invocation.ttl)

    def close(self) -> None:
        """Stop: running invocations may finish while the instances stop, waiting ones are dropped."""
        self._closed.set()
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._fleet.close()
        self._workers.shutdown(wait=True)

    def _process(self, invocation: EndpointInvocation, expires: float) -> None:
        try:
            try:
                output, content_type = self._invoke(invocation, expires)
            except _Failure as failure:
                self._publish_failure(invocation, failure)
            else:
                self._publish_output(invocation, output, content_type)
        except Closed:
            logger.info("dropped %s: the endpoint is closing", invocation.inference_id)
        except AwsError:
            logger.exception("the answer to %s could not be written or announced", invocation.inference_id)
        except Exception:
            logger.exception("invocation %s was lost", invocation.inference_id)
        finally:
            self._fleet.leave()

    def _invoke(self, invocation: EndpointInvocation, expires: float) -> tuple[bytes, str]:
        try:
            body = self._aws.read(invocation.input_location)
        except AwsError as error:
            raise _Failure(f"ClientError: Unable to read the input at {invocation.input_location}: {error}") from error
        with self._fleet.slot(expires - time.monotonic()) as instance:
            if instance is None or time.monotonic() >= expires:
                raise _Failure("ClientError: The request expired: it was in the queue longer than RequestTTLSeconds.")
            status, output, content_type = self._call_instance(instance, invocation, body)
        if not 200 <= status < 300:
            raise _Failure(f"ClientError: Received server error ({status}) from model.", output, content_type)
        return output, content_type

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
            raise _Failure("InternalServerError: Lost the connection to the model container.") from error

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

    def _publish_output(self, invocation: EndpointInvocation, output: bytes, content_type: str) -> None:
        location = self.output_location(invocation)
        self._aws.write(location, output, content_type)
        message = notifications.success(
            invocation, self._settings.aws_region, location=location, content_type=content_type
        )
        self._publish(self._settings.success_topic_arn, message)

    def _publish_failure(self, invocation: EndpointInvocation, failure: _Failure) -> None:
        logger.warning("invocation %s failed: %s", invocation.inference_id, failure.reason)
        location = self.failure_location(invocation) if failure.output is not None else None
        if location is not None and failure.output is not None:
            self._aws.write(location, failure.output, failure.content_type)
        message = notifications.failure(
            invocation,
            self._settings.aws_region,
            reason=failure.reason,
            location=location,
            content_type=failure.content_type,
        )
        self._publish(self._settings.error_topic_arn, message)

    def _publish(self, topic: str | None, message: str) -> None:
        faults = self._faults.values
        if faults.delay_seconds:
            self._closed.wait(faults.delay_seconds)
        if topic is not None:
            for _ in range(2 if faults.duplicate else 1):
                self._aws.publish(topic, message)
