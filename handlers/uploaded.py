"""Upload function: inspects uploaded files, and queues a job once all of its inputs are there."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.typing import LambdaContext

from cloud import clients
from cloud.dynamodb.job_store import JobStore
from cloud.dynamodb.ledger import Ledger
from cloud.job_queue import JobQueue
from cloud.lambda_init import run_during_init
from cloud.observability import logger
from cloud.s3.keys import is_asset_key
from cloud.sqs_batch import process_batch
from handlers.assets.table import AssetTable
from handlers.assets.upload_processor import AssetUploadProcessor
from handlers.jobs.upload_processor import UploadProcessor
from handlers.settings.uploaded import UploadedSettings


@cache
def _processor() -> UploadProcessor:
    settings = UploadedSettings.read()
    queue = JobQueue(clients.sqs(), settings.queue_url)
    dynamodb = clients.dynamodb()
    store, ledger = JobStore(settings.jobs_table, dynamodb), Ledger(settings.ledger_table, dynamodb)
    return UploadProcessor(settings, store, ledger, queue, clients.s3())


@cache
def _asset_processor() -> AssetUploadProcessor:
    settings = UploadedSettings.read()
    return AssetUploadProcessor(settings.bucket, AssetTable(settings.assets_table), clients.s3())


def _process(message: Mapping[str, Any]) -> None:
    # S3 sends a test message without records when the notification is set up.
    for event in json.loads(message["body"]).get("Records", []):
        key = unquote_plus(event["s3"]["object"]["key"])
        processor = _asset_processor() if is_asset_key(key) else _processor()
        processor.process(key)


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """Handle an SQS batch of S3's ObjectCreated events for uploads and assets; failed messages are redelivered."""
    return process_batch(event, _process)


run_during_init(_processor)
