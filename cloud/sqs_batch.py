"""SQS batches: each message is handled by itself, and those that failed are reported, so that they alone come again.

powertools' batch processor does the same. What it imports (asyncio, parsers, event classes) is a tenth of a cold start.
"""

from collections.abc import Callable, Mapping
from typing import Any

from cloud.observability import logger


class BatchFailed(RuntimeError):
    """Raised when every message of a batch failed, so that Lambda counts an error. All of them come again."""


def process_batch(
    event: Mapping[str, Any], handle: Callable[[Mapping[str, Any]], None]
) -> dict[str, list[dict[str, str]]]:
    """Call ``handle`` with each message of an event, and return Lambda's report of those for which it raised.

    Errors are logged. Raises ``BatchFailed`` if no message was handled.
    """
    failed: list[str] = []
    for message in event["Records"]:
        try:
            handle(message)
        except Exception:
            logger.exception("message failed", message_id=message["messageId"])
            failed.append(message["messageId"])
    if failed and len(failed) == len(event["Records"]):
        raise BatchFailed(f"all {len(failed)} messages of the batch failed; the log has each error")
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
