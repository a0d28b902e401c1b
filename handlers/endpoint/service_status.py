"""Service status: the endpoint, the cpu lane, the backlog and the reports of its instances."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError
from pydantic import BaseModel, Field

from cloud.instance_reports import InstanceReport, InstanceReports
from cloud.observability import logger
from darkroom.contract.jobs import State
from handlers.endpoint.endpoint_state import endpoint_state
from handlers.endpoint.function_state import function_state
from handlers.jobs.open_jobs import OpenJobs
from handlers.settings.api import ApiSettings

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sqs import SQSClient

TIMEOUT_SECONDS = 3.0
ABSENT: Literal["absent"] = "absent"


class EndpointStatus(BaseModel):
    """Status of the SageMaker endpoint."""

    status: str = Field(description="`absent`, or SageMaker's status: `InService`, `Updating`, …")
    instances: int = Field(description="Number of running instances; none run while no job waits.")


class PreviewsStatus(BaseModel):
    """Status of the Lambda function that makes previews."""

    status: str = Field(description="`absent`, where the endpoint makes them, or Lambda's state: `Active`, …")


class Backlog(BaseModel):
    """Jobs that have not ended."""

    messages: int = Field(description="Approximate number of jobs in the queue.")
    dispatched: int = Field(description="Jobs that wait for an instance, or for the function of previews.")
    running: int
    cut_off: bool = Field(False, description="More jobs are open than were counted.")


class Services(BaseModel):
    """Status of the service. A component that did not respond is null, with its reason in `reasons`."""

    checked_at: datetime
    endpoint: EndpointStatus | None
    previews: PreviewsStatus | None
    backlog: Backlog | None
    instances: list[InstanceReport] | None = Field(description="Instances with a recent report, newest first.")
    reasons: dict[str, str] = Field({}, description="Component → reason why it is null.")


class ServiceStatusReader:
    """Reads the status of every component in parallel. Pass clients with short timeouts and no retries."""

    def __init__(
        self,
        settings: ApiSettings,
        open_jobs: OpenJobs,
        reports: InstanceReports,
        sqs: "SQSClient",
        sagemaker: "SageMakerClient",
        functions: "LambdaClient",
    ) -> None:
        self._settings = settings
        self._open_jobs = open_jobs
        self._reports = reports
        self._sqs = sqs
        self._sagemaker = sagemaker
        self._functions = functions
        self._threads = ThreadPoolExecutor(5, thread_name_prefix="services")

    def read_status(self) -> Services:
        """Return the status within ``TIMEOUT_SECONDS``; a component that has not responded by then is null."""
        calls: dict[str, Callable[[], Any]] = {
            "endpoint": self._endpoint,
            "previews": self._previews,
            "backlog": self._backlog,
            "instances": lambda: self._reports.read(time.time()),
        }
        futures: dict[str, Future[Any]] = {name: self._threads.submit(call) for name, call in calls.items()}
        wait_for(futures.values(), timeout=TIMEOUT_SECONDS)
        parts: dict[str, Any] = {}
        reasons = {}
        for name, future in futures.items():
            parts[name], reason = _result_or_reason(future)
            if reason is not None:
                reasons[name] = reason
        return Services(checked_at=datetime.now(UTC), **parts, reasons=reasons)

    def _endpoint(self) -> EndpointStatus:
        state = endpoint_state(self._sagemaker, self._settings.endpoint_name)
        if state is None:
            return EndpointStatus(status=ABSENT, instances=0)
        return EndpointStatus(status=state.status, instances=state.instances)

    def _previews(self) -> PreviewsStatus:
        return PreviewsStatus(status=function_state(self._functions, self._settings.cpu_function) or ABSENT)

    def _backlog(self) -> Backlog:
        name: Literal["ApproximateNumberOfMessages"] = "ApproximateNumberOfMessages"
        response = self._sqs.get_queue_attributes(QueueUrl=self._settings.queue_url, AttributeNames=[name])
        count = self._open_jobs.count()
        return Backlog(
            messages=int(response["Attributes"][name]),
            dispatched=count.in_state(State.DISPATCHED),
            running=count.in_state(State.RUNNING),
            cut_off=count.cut_off,
        )


def _result_or_reason(future: Future[Any]) -> tuple[Any, str | None]:
    """Return a call's result and None, or None and the reason of its failure."""
    if not future.done():
        return None, "no answer in time"
    error = future.exception()
    if error is None:
        return future.result(), None
    logger.warning("component status not available", reason=repr(error))
    return None, error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
