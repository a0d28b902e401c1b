"""Model bucket: what ``darkroom models push`` stores in S3, and what is read of it again."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from botocore.exceptions import ClientError
from pydantic import ValidationError

from cloud.s3.conditions import MISSING_CODES
from pipeline.weights.store import MANIFEST, Manifest


@dataclass(frozen=True)
class S3Destination:
    """A bucket and a prefix that ends with a slash, as SageMaker requires."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Parse ``s3://bucket/prefix``. Raises ``ValueError``."""
        match = re.fullmatch(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<prefix>[^/].*)", uri)
        if match is None:
            raise ValueError(f"{uri!r} is not s3://BUCKET/PREFIX; models have a prefix of their own")
        return cls(match["bucket"], match["prefix"].rstrip("/") + "/")

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


def read_manifest(s3: Any, target: S3Destination) -> Manifest | None:
    """Return the manifest in S3; None if there is none, or it is invalid."""
    try:
        body = s3.get_object(Bucket=target.bucket, Key=target.prefix + MANIFEST)["Body"].read()
        return Manifest.model_validate_json(body)
    except (s3.exceptions.NoSuchKey, ValidationError):
        return None


def find_object(s3: Any, bucket: str, key: str) -> Mapping[str, Any] | None:
    """Return S3's answer to HeadObject; None if there is no such object."""
    try:
        found: Mapping[str, Any] = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in MISSING_CODES:
            return None
        raise
    return found
