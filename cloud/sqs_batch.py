"""SQS batches: each message is handled by itself, and those that failed are reported, so that they alone come again.

powertools' batch processor does the same. What it imports (asyncio, parsers, event classes) is a tenth of a cold start.
"""

from collections.abc import Callable, Mapping
from typing import Any

from cloud.observability import logger


class ReceiveAgain(Exception):
    """Raised to receive a message again after the queue's visibility timeout, though nothing has failed."""


class BatchFailed(RuntimeError):
    """Raised when every message of a batch failed, so that Lambda counts an error. All of them come again."""


def process_batch(
    event: Mapping[str, Any], handle: Callable[[Mapping[str, Any]], None]
) -> dict[str, list[dict[str, str]]]:
    """Call ``handle`` with each message of an event, and return Lambda's report of those for which it raised.

    Errors are logged. Raises ``BatchFailed`` if every message failed.
    """
    failed: list[str] = []
    postponed: list[str] = []
    for message in event["Records"]:
        try:
            handle(message)
        except ReceiveAgain as reason:
            logger.info("message is received again later", message_id=message["messageId"], reason=str(reason))
            postponed.append(message["messageId"])
        except Exception:
            logger.exception("message failed", message_id=message["messageId"])
            failed.append(message["messageId"])
    if failed and len(failed) == len(event["Records"]):
        raise BatchFailed(f"all {len(failed)} messages of the batch failed; the log has each error")
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in (*failed, *postponed)]}


def is_first_receipt(message: Mapping[str, Any]) -> bool:
    """Return True if a message was not received before."""
    return int(message["attributes"]["ApproximateReceiveCount"]) == 1
