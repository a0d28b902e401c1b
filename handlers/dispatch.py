"""Dispatch function, ``queued → dispatched``: turns queue messages into invocations of the endpoint or the cpu lane."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloud import clients
from cloud.dynamodb.job_store import JobStore
from cloud.job_queue import DispatchMessage, JobQueue
from cloud.lambda_init import run_during_init
from cloud.lane import Lane, PreviewOn
from cloud.observability import logger
from cloud.sqs_batch import process_batch
from handlers.endpoint.cold_start import ColdStartMonitor, ColdStartStore
from handlers.endpoint.cpu_lane import CpuLane
from handlers.endpoint.dispatcher import Dispatcher
from handlers.endpoint.draft_requester import DraftRequester
from handlers.endpoint.gpu_lane import GpuLane
from handlers.endpoint.gpu_spend import GpuSpendStore
from handlers.endpoint.invoker import Invoker
from handlers.endpoint.running_videos import RunningVideoStore
from handlers.jobs.retry import RetryPolicy
from handlers.settings.dispatch import DispatchSettings


@cache
def _dispatcher() -> Dispatcher:
    settings = DispatchSettings.read()
    dynamodb = clients.dynamodb()
    store = JobStore(settings.jobs_table, dynamodb)
    queue = JobQueue(clients.sqs(), settings.queue_url, settings.dead_letter_queue_url)
    cold_start_monitor = ColdStartMonitor(
        settings,
        clients.sagemaker(clients.FAIL_FAST_CONFIG),
        ColdStartStore(settings.sockets_table, settings.endpoint_name, dynamodb),
        GpuSpendStore(settings.sockets_table, settings.deployment, dynamodb),
    )
    s3 = clients.s3()
    videos = RunningVideoStore(settings.sockets_table, settings.endpoint_name, dynamodb)
    gpu = GpuLane(settings, cold_start_monitor, videos, s3, clients.sagemaker_runtime())
    lanes: dict[Lane, Invoker] = {Lane.GPU: gpu}
    drafts = None
    if settings.preview_on is PreviewOn.LAMBDA:
        functions = clients.functions()
        lanes[Lane.CPU] = CpuLane(settings, s3, functions)
        drafts = DraftRequester(settings.cpu_function, functions) if settings.drafts else None
    return Dispatcher(settings, store, RetryPolicy(settings, store, queue), lanes, drafts)


def _dispatch(message: Mapping[str, Any]) -> None:
    redelivered = int(message["attributes"].get("ApproximateReceiveCount", 1)) > 1
    _dispatcher().dispatch(DispatchMessage.model_validate_json(message["body"]), redelivered=redelivered)


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """Handle an SQS batch; only messages that failed are redelivered."""
    return process_batch(event, _dispatch)


run_during_init(_dispatcher)
