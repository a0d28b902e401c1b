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
    """Puts a file (None: no file), and delivers the event that S3 would send some times."""

    def __init__(self, bucket: S3Client, context: Any, sqs_event: Any) -> None:
        self._bucket = bucket
        self._context = context
        self._sqs_event = sqs_event

    def __call__(self, key: str, data: bytes | None, times: int = 1) -> None:
        if data is not None:
            self._bucket.put_object(Bucket="bucket", Key=key, Body=data)
        record = {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Post",
            "s3": {
                "bucket": {"name": "bucket"},
                "object": {"key": quote_plus(key, safe="/"), "size": len(data or b""), "sequencer": "0A"},
            },
        }
        event = self._sqs_event({"Records": [record]})
        for _ in range(times):
            assert uploaded.handler(event, self._context) == {"batchItemFailures": []}


def policy_of(form: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    exact: dict[str, Any] = {}
    for condition in policy["conditions"]:
        if isinstance(condition, dict):
            exact |= condition
        elif condition[0] == "content-length-range":
            exact["range"] = condition[1:]
    return policy, exact
