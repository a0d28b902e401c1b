"""Dispatch function, ``queued → dispatched``: turns queue messages into invocations of the endpoint."""

from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloud import clients
from cloud.dynamodb.job_store import JobStore
from cloud.job_queue import DispatchMessage, JobQueue
from cloud.lambda_init import run_during_init
from cloud.observability import logger
from handlers.endpoint.cold_start import ColdStartMonitor, ColdStartStore
from handlers.endpoint.dispatcher import Dispatcher
from handlers.endpoint.gpu_spend import GpuSpendStore
from handlers.jobs.retry import RetryPolicy
from handlers.settings import DispatchSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse


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
    retry = RetryPolicy(settings, store, queue)
    return Dispatcher(settings, store, retry, cold_start_monitor, clients.s3(), clients.sagemaker_runtime())


def _dispatch(record: SQSRecord) -> None:
    redelivered = int(record.attributes.approximate_receive_count or 1) > 1
    _dispatcher().dispatch(DispatchMessage.model_validate_json(record.body), redelivered=redelivered)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> "PartialItemFailureResponse":
    """Handle an SQS batch; only messages that failed are redelivered."""
    return process_partial_response(
        event=event, record_handler=_dispatch, processor=BatchProcessor(event_type=EventType.SQS), context=context
    )


run_during_init(_dispatcher)
