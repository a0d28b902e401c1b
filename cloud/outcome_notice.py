"""Outcome notice: what the cpu lane's function announces, in the form of SageMaker's notices.

An outcome of up to ``MAX_INLINE_BYTES`` is part of the notice, as the endpoint includes it. A larger one is stored.
"""

import json
from base64 import b64encode
from datetime import UTC, datetime

from cloud.lane import Lane

# Source of a notice: it tells which lane the attempt ran on.
FUNCTION_SOURCE = "aws:lambda"
COMPLETED, FAILED = "Completed", "Failed"


def lane_of_source(source: str) -> Lane:
    """Return the lane whose attempt a notice is about.

    >>> lane_of_source("aws:lambda"), lane_of_source("aws:sagemaker")
    (<Lane.CPU: 'cpu'>, <Lane.GPU: 'gpu'>)
    """
    return Lane.CPU if source == FUNCTION_SOURCE else Lane.GPU


def outcome_notice(inference_id: str, *, outcome: bytes | None = None, location: str | None = None) -> str:
    """Return the notice of an attempt that has an outcome: its JSON, or its S3 URI."""
    included = {} if outcome is None else {"content": b64encode(outcome).decode(), "encoding": "BASE64"}
    stored = {"contentType": "application/json"} | ({} if location is None else {"outputLocation": location})
    return json.dumps(
        {
            "eventTime": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "invocationStatus": COMPLETED,
            "responseParameters": stored,
            "responseBody": included,
            "inferenceId": inference_id,
            "eventVersion": "1.0",
            "eventSource": FUNCTION_SOURCE,
            "eventName": "InferenceResult",
        }
    )
