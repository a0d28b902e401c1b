"""Verification of AWS signatures, version 4: in the header, in the query (presigned) and of forms posted to S3.

The algorithm is documented as *Signature Version 4 for API requests* in AWS's IAM User Guide. Its primitives are
MiniStack's, which services of the emulator use as well.
"""

import hashlib
import re
from collections.abc import Callable

from ministack.core import sigv4

from infra.local.access.forms import read_fields
from infra.local.access.refusals import Refused
from infra.local.access.request import Request

# The secret of an access key with its session token, empty when there is none. Raises ``Refused``.
SecretOf = Callable[[str, str], str]
_ALGORITHM = "AWS4-HMAC-SHA256"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MISMATCH = Refused(403, "SignatureDoesNotMatch", sigv4.SIGNATURE_MISMATCH)
_UNSIGNED = Refused(
    403,
    "MissingAuthenticationToken",
    "The request is not signed; `darkroom status` says how to sign requests to this stack.",
)


class Verifier:
    """Signature verifier: refuses every request that is not signed with a key of which ``secret_of`` knows."""

    def __init__(self, secret_of: SecretOf) -> None:
        self._secret_of = secret_of

    def verify(self, request: Request, body: bytes) -> None:
        """Check the one signature of a request. Raises ``Refused``."""
        if request.signed and request.presigned:
            raise Refused(400, "InvalidArgument", "Only one way of signing a request is allowed.")
        if request.signed:
            self._verify_header(request, body)
        elif request.presigned:
            self._verify_query(request, body)
        elif request.form:
            self._verify_form(request, body)
        else:
            raise _UNSIGNED

    def _verify_header(self, request: Request, body: bytes) -> None:
        if not request.headers["authorization"].startswith(f"{_ALGORITHM} "):
            raise _unsupported()
        signature = _parsed(sigv4.parse_header_signature(request.headers))
        if (skewed := sigv4.request_time_failure(signature)) is not None:
            raise Refused(403, *skewed)
        stated = request.headers.get("x-amz-content-sha256", "")
        if _SHA256.fullmatch(stated) and stated != hashlib.sha256(body).hexdigest():
            raise Refused(400, "XAmzContentSHA256Mismatch", "The body is not the one that was signed.")
        token = request.headers.get("x-amz-security-token", "")
        self._compare(signature, token, request, body, presigned=False)

    def _verify_query(self, request: Request, body: bytes) -> None:
        values = {name.lower(): value for name, (value, *_) in request.query.items()}
        if values.get("x-amz-algorithm") != _ALGORITHM:
            raise _unsupported()
        signature = _parsed(sigv4.parse_query_signature(request.query))
        try:
            expired = sigv4.presigned_request_is_expired(signature.amz_date, values.get("x-amz-expires", ""))
        except ValueError as error:
            raise Refused(400, "AuthorizationQueryParametersError", f"X-Amz-Date and X-Amz-Expires: {error}") from None
        if expired:
            raise Refused(403, "AccessDenied", "Request has expired")
        self._compare(signature, values.get("x-amz-security-token", ""), request, body, presigned=True)

    def _compare(
        self, signature: sigv4.HeaderSignature, token: str, request: Request, body: bytes, *, presigned: bool
    ) -> None:
        if "host" not in signature.signed_headers.split(";"):
            raise Refused(403, "IncompleteSignature", "The header Host must be signed.")
        secret = self._secret_of(signature.access_key_id, token)
        failure = sigv4.header_signature_failure(
            signature,
            secret,
            request.method,
            request.raw_path,
            request.query,
            request.headers,
            body,
            presigned=presigned,
        )
        if failure is not None:
            raise Refused(403, *failure)

    def _verify_form(self, request: Request, body: bytes) -> None:
        """Check who signed a form's policy; its conditions and its end are S3's own to check."""
        fields = read_fields(request.headers["content-type"], body)
        if not fields.keys() >= {"policy", "x-amz-credential", "x-amz-signature"}:
            raise _UNSIGNED
        if fields.get("x-amz-algorithm") != _ALGORITHM:
            raise _unsupported()
        scope = fields["x-amz-credential"].split("/")
        if len(scope) != 5:
            raise Refused(400, "InvalidArgument", "The credential must have five parts, divided by slashes.")
        key, date, region, service, _ = scope
        secret = self._secret_of(key, fields.get("x-amz-security-token", ""))
        computed = sigv4.calculate_signature(secret, date, region, service, fields["policy"])
        if service != "s3" or not sigv4.signatures_match(computed, fields["x-amz-signature"]):
            raise _MISMATCH


def _parsed(found: sigv4.HeaderSignature | tuple[str, str]) -> sigv4.HeaderSignature:
    if isinstance(found, tuple):
        raise Refused(403, *found)
    return found


def _unsupported() -> Refused:
    return Refused(400, "InvalidRequest", f"The signature's algorithm is not supported. Use {_ALGORITHM}.")
