"""Test pictures, and their uploads to the bucket."""

import base64
import hashlib
import io
import json
from typing import Any
from urllib.parse import quote_plus

from botocore.exceptions import ClientError
from mypy_boto3_s3 import S3Client
from PIL import Image

from handlers import uploaded


def picture(format_: str = "JPEG", colour: str = "teal", **options: Any) -> bytes:
    """Return a small picture in a format of Pillow."""
    file = io.BytesIO()
    Image.new("RGB", (320, 200), colour).save(file, format_, **options)
    return file.getvalue()


def sha256(data: bytes) -> str:
    """Return the SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def object_exists(bucket: S3Client, key: str) -> bool:
    """Return True if an object exists under a key."""
    try:
        bucket.head_object(Bucket="bucket", Key=key)
    except ClientError:
        return False
    return True


class Upload:
    """Puts a file (None: no file), and delivers the event that S3 would send some times.

    ``receipt`` is the number of times that its message was received, with this one.
    """

    def __init__(self, bucket: S3Client, context: Any, sqs_event: Any) -> None:
        self._bucket = bucket
        self._context = context
        self._sqs_event = sqs_event

    def __call__(self, key: str, data: bytes | None, times: int = 1, *, receipt: int = 1) -> None:
        if data is not None:
            self._bucket.put_object(Bucket="bucket", Key=key, Body=data)
        for _ in range(times):
            assert self.deliver(key, receipt=receipt) == []

    def deliver(self, key: str, *, receipt: int = 1) -> list[str]:
        """Deliver the event of an object; return the ids of the messages that are to be received again."""
        record = {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Post",
            "s3": {
                "bucket": {"name": "bucket"},
                "object": {"key": quote_plus(key, safe="/"), "size": 1, "sequencer": "0A"},
            },
        }
        event = self._sqs_event({"Records": [record]}, times=receipt)
        answer = uploaded.handler(event, self._context)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def policy_of(form: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    exact: dict[str, Any] = {}
    for condition in policy["conditions"]:
        if isinstance(condition, dict):
            exact |= condition
        elif condition[0] == "content-length-range":
            exact["range"] = condition[1:]
    return policy, exact
