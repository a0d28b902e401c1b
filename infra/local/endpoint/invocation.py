"""Endpoint invocation: a parsed ``InvokeEndpointAsync`` request."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import ConfigDict

PREFIX = "x-amzn-sagemaker-"
# Header name after the prefix → minimum, maximum and default, from botocore's service model.
RANGES = {"requestttlseconds": (60, 21600, 21600), "invocationtimeoutseconds": (1, 3600, 900)}
MAX_BODY_BYTES = 128_000  # likewise
UNSUPPORTED = ("s3outputpathextension", "filename")


class InvalidInvocation(Exception):
    """Raised for a request that SageMaker (or, where the message says so, the stand-in) does not accept."""


@dataclass(frozen=True)
class EndpointInvocation:
    """An invocation; ``ttl`` and ``timeout`` in seconds. Its input is ``body``, or the object at ``input_location``."""

    __pydantic_config__ = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    endpoint_name: str
    inference_id: str
    input_location: str | None = None
    content_type: str | None = None
    accept: str | None = None
    custom_attributes: str | None = None
    ttl: float = 21600
    timeout: float = 900
    body: bytes | None = None
    received: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def expires(self) -> float:
        """Time (epoch seconds) until which it waits for an instance."""
        return self.received.timestamp() + self.ttl


def parse(endpoint_name: str, headers: Mapping[str, str], body: bytes = b"") -> EndpointInvocation:
    """Parse an invocation from ``headers`` (names in lower case) and ``body``, which is empty beside an InputLocation.

    Raises ``InvalidInvocation`` with the reason. Output names, which Darkroom does not use, are rejected.
    """
    unsupported = [name for name in UNSUPPORTED if PREFIX + name in headers]
    if unsupported:
        raise InvalidInvocation(f"The stand-in does not know {', '.join(unsupported)}.")
    location = headers.get(f"{PREFIX}inputlocation")
    if (location is None) == (not body):
        raise InvalidInvocation("Body and InputLocation are mutually exclusive: exactly one is required.")
    if len(body) > MAX_BODY_BYTES:
        raise InvalidInvocation(f"Body must have at most {MAX_BODY_BYTES} bytes, not {len(body)}.")
    if location is not None and not re.match(r"^s3://[^/]+/.+$", location):
        raise InvalidInvocation(f"InputLocation must be s3://bucket/key, not {location!r}.")
    inference_id = headers.get(f"{PREFIX}inference-id") or str(uuid.uuid4())
    if len(inference_id) > 64:
        raise InvalidInvocation("InferenceId must have at most 64 characters.")
    return EndpointInvocation(
        endpoint_name=endpoint_name,
        inference_id=inference_id,
        input_location=location,
        content_type=headers.get(f"{PREFIX}content-type"),
        accept=headers.get(f"{PREFIX}accept"),
        custom_attributes=headers.get(f"{PREFIX}custom-attributes"),
        ttl=_seconds(headers, "requestttlseconds"),
        timeout=_seconds(headers, "invocationtimeoutseconds"),
        body=body or None,
    )


def _seconds(headers: Mapping[str, str], name: str) -> int:
    minimum, maximum, default = RANGES[name]
    text = headers.get(PREFIX + name, str(default))
    if not text.isascii() or not text.isdigit() or not minimum <= int(text) <= maximum:
        raise InvalidInvocation(f"{name} must be a whole number from {minimum} to {maximum}, not {text!r}.")
    return int(text)
