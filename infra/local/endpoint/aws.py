"""S3 and SNS client of the stand-in: signed requests at half of boto3's cost.

The stand-in shares two cores with the code that is measured, while SageMaker's own work would cost it nothing.
"""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

import urllib3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

RETRIES = urllib3.Retry(
    total=3,
    backoff_factor=0.1,
    status_forcelist=(500, 502, 503, 504),
    allowed_methods=None,
    raise_on_status=False,
)
TIMEOUT = urllib3.Timeout(connect=2, read=30)


class AwsError(Exception):
    """Raised when the emulator rejects a request or does not respond."""


class AwsUnavailable(AwsError):
    """Raised when the emulator does not respond, or fails: the same request may succeed later."""


class S3AndSns:
    """S3 and SNS at ``url``. Thread-safe."""

    def __init__(self, url: str, region: str, credentials: Credentials, *, connections: int) -> None:
        self._url = url.rstrip("/")
        self._s3 = S3SigV4Auth(credentials, "s3", region)
        self._sns = SigV4Auth(credentials, "sns", region)
        self._pool = urllib3.PoolManager(maxsize=connections, retries=RETRIES, timeout=TIMEOUT)

    def read(self, location: str) -> bytes:
        """Return the object at ``s3://bucket/key``. Raises ``AwsError``."""
        return self._send(self._s3, "GET", self._object(location), b"", {})

    def write(self, location: str, body: bytes, content_type: str) -> None:
        """Put the object at ``s3://bucket/key``. Raises ``AwsError``."""
        self._send(self._s3, "PUT", self._object(location), body, {"Content-Type": content_type})

    def publish(self, topic_arn: str, message: str) -> None:
        """Publish ``message`` to an SNS topic. Raises ``AwsError``."""
        form = {"Action": "Publish", "Version": "2010-03-31", "TopicArn": topic_arn, "Message": message}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self._send(self._sns, "POST", f"{self._url}/", urlencode(form).encode(), headers)

    def _object(self, location: str) -> str:
        return f"{self._url}/{quote(location.removeprefix('s3://'), safe='/~')}"

    def _send(self, signer: SigV4Auth, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
        signer.add_auth(request)
        try:
            response = self._pool.request(method, url, body=body, headers=dict(request.headers.items()))
        except urllib3.exceptions.HTTPError as error:
            raise AwsUnavailable(f"{method} {url}: {error}") from error
        if response.status >= 300:
            kind = AwsUnavailable if response.status >= 500 else AwsError
            raise kind(f"{method} {url}: {response.status} {response.data[:300].decode(errors='replace')}")
        return response.data
