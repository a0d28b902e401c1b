"""Verifier of AWS signatures, version 4: in the header, in the query (presigned) and of forms posted to S3.

The algorithm is documented as *Signature Version 4 for API requests* in AWS's IAM User Guide. Its primitives are
MiniStack's, which services of the emulator use as well.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from ministack.core import sigv4

from infra.local.access.forms import Form, read_form
from infra.local.access.refusals import Refused, unsigned
from infra.local.access.request import Request

# Returns the secret of an access key and its session token (empty without one). Raises ``Refused``.
SecretOf = Callable[[str, str], str]
MAX_FORM_BYTES = 256 * 2**20
_MAX_EXPIRES_SECONDS = 7 * 24 * 3600
_ALGORITHM = "AWS4-HMAC-SHA256"
_SCOPE = r"[\w.-]+/\d{8}/[\w-]+/[\w.-]+/aws4_request"
_SIGNATURE = r"[0-9a-f]{64}"
_SHA256_BASE64 = r"[A-Za-z0-9+/]{43}="
# The form that all AWS SDKs write. With looser parsing, one header could name two keys.
_AUTHORIZATION = re.compile(
    rf"{_ALGORITHM} Credential={_SCOPE}, ?SignedHeaders=[a-z0-9;._-]+, ?Signature={_SIGNATURE}", re.ASCII
)
_QUERY = {
    "X-Amz-Credential": re.compile(_SCOPE, re.ASCII),
    "X-Amz-Signature": re.compile(_SIGNATURE),
    "X-Amz-SignedHeaders": re.compile(r"[a-z0-9;._-]+"),
    "X-Amz-Date": re.compile(r"\d{8}T\d{6}Z", re.ASCII),
    "X-Amz-Expires": re.compile(r"\d{1,6}", re.ASCII),
}


@dataclass(frozen=True)
class Claim:
    """A request's signature whose body is yet to be verified.

    ``check`` may raise ``Refused``. A body longer than ``max_bytes`` need not be read.
    """

    check: Callable[[bytes], None]
    max_bytes: int | None = None


class Verifier:
    """Signature verifier: rejects every request that is not signed with a key known to ``secret_of``."""

    def __init__(self, secret_of: SecretOf) -> None:
        self._secret_of = secret_of

    def claim(self, request: Request) -> Claim:
        """Verify everything possible before the body is read. Raises ``Refused``."""
        if request.presigned and not request.authorization:
            return self._claim_query(request)
        if request.presigned:
            raise Refused(400, "InvalidArgument", "Only one way of signing a request is allowed.")
        if request.signed:
            return self._claim_header(request)
        if request.form:
            return Claim(lambda body: self._verify_form(request, body), MAX_FORM_BYTES)
        raise unsigned()

    def _claim_header(self, request: Request) -> Claim:
        if not request.authorization.startswith(f"{_ALGORITHM} "):
            raise _unsupported()
        if not _AUTHORIZATION.fullmatch(request.authorization):
            raise Refused(400, "IncompleteSignature", "The Authorization header is not a complete signature.")
        signature = _parsed_signature(sigv4.parse_header_signature(request.headers))
        if not re.fullmatch(_QUERY["X-Amz-Date"], signature.amz_date):
            raise Refused(400, "IncompleteSignature", "The header X-Amz-Date is missing or malformed.")
        if (skewed := sigv4.request_time_failure(signature)) is not None:
            raise Refused(403, *skewed)
        return self._claim(signature, request.headers.get("x-amz-security-token", ""), request, presigned=False)

    def _claim_query(self, request: Request) -> Claim:
        if request.query.get("X-Amz-Algorithm") != [_ALGORITHM]:
            raise _unsupported()
        for name, pattern in _QUERY.items():
            values = request.query.get(name, [])
            if len(values) != 1 or not pattern.fullmatch(values[0]):
                raise Refused(400, "AuthorizationQueryParametersError", f"{name} is missing or malformed.")
        signature = _parsed_signature(sigv4.parse_query_signature(request.query))
        expires = min(int(request.query["X-Amz-Expires"][0]), _MAX_EXPIRES_SECONDS)
        try:
            expired = sigv4.presigned_request_is_expired(signature.amz_date, expires)
        except ValueError:
            raise Refused(400, "AuthorizationQueryParametersError", "X-Amz-Date is not a time.") from None
        if expired:
            raise Refused(403, "AccessDenied", "Request has expired")
        token = request.query.get("X-Amz-Security-Token", [""])[0]
        return self._claim(signature, token, request, presigned=True)

    def _claim(self, signature: Any, token: str, request: Request, *, presigned: bool) -> Claim:
        signed = signature.signed_headers.split(";")
        missing = [name for name in ("host", *request.amazon_headers) if name not in signed]
        if missing:  # unsigned headers could change the operation of a signed request
            raise Refused(
                403, "AccessDenied", f"There were headers present that were not signed: {', '.join(missing)}."
            )
        secret = self._secret_of(signature.access_key_id, token)
        declared = request.headers.get("x-amz-content-sha256", "")

        def check(body: bytes) -> None:
            if re.fullmatch(_SIGNATURE, declared) and declared != hashlib.sha256(body).hexdigest():
                raise Refused(400, "XAmzContentSHA256Mismatch", "The body is not the one that was signed.")
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

        return Claim(check)

    def _verify_form(self, request: Request, body: bytes) -> None:
        """Verify a form's signature, expiry and checksum; the emulator verifies the other conditions of its policy."""
        form = read_form(request.headers["content-type"], body)
        fields = form.fields
        if not fields.keys() >= {"policy", "x-amz-credential", "x-amz-signature"}:
            raise unsigned()
        if fields.get("x-amz-algorithm") != _ALGORITHM:
            raise _unsupported()
        credential, signature = fields["x-amz-credential"], fields["x-amz-signature"]
        if not _QUERY["X-Amz-Credential"].fullmatch(credential) or not re.fullmatch(_SIGNATURE, signature):
            raise Refused(400, "InvalidArgument", "The credential or the signature of the form is malformed.")
        key, date, region, service, _ = credential.split("/")
        secret = self._secret_of(key, fields.get("x-amz-security-token", ""))
        computed = sigv4.calculate_signature(secret, date, region, service, fields["policy"])
        if service != "s3" or not sigv4.signatures_match(computed, signature):
            raise Refused(403, "SignatureDoesNotMatch", sigv4.SIGNATURE_MISMATCH)
        policy = _Policy.read(fields["policy"])
        if policy.expiration <= datetime.now(UTC):
            raise Refused(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
        if form.file is not None and len(form.file) in policy.sizes:
            _verify_checksum(form)


def _verify_checksum(form: Form) -> None:
    """Refuse a file other than the form's ``x-amz-checksum-sha256`` names, as S3 does. MiniStack does not look."""
    named = form.fields.get("x-amz-checksum-sha256")
    if named is None or form.file is None:
        return
    if not re.fullmatch(_SHA256_BASE64, named):
        raise Refused(400, "InvalidRequest", "Value for x-amz-checksum-sha256 header is invalid.")
    if base64.b64decode(named) != hashlib.sha256(form.file).digest():
        raise Refused(400, "BadDigest", "The SHA256 you specified did not match the calculated checksum.")


@dataclass(frozen=True)
class _Policy:
    """What the guard reads of a form's policy: its expiry, and the sizes in bytes that a file may have."""

    expiration: datetime
    sizes: range

    @classmethod
    def read(cls, encoded: str) -> Self:
        """Return the policy of a form's field. Raises ``Refused`` without an expiry."""
        try:
            policy = json.loads(base64.b64decode(encoded))
            expiration = datetime.fromisoformat(policy["expiration"]).astimezone(UTC)
            for condition in policy.get("conditions", []):
                if isinstance(condition, list) and condition[0] == "content-length-range":
                    return cls(expiration, range(int(condition[1]), int(condition[2]) + 1))
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            raise Refused(400, "InvalidPolicyDocument", "The policy of the form has no expiration.") from None
        return cls(expiration, range(MAX_FORM_BYTES))


def _parsed_signature(found: Any) -> Any:
    """Return MiniStack's ``HeaderSignature``. Raises ``Refused`` for its tuple of error code and message."""
    if isinstance(found, tuple):
        raise Refused(403, *found)
    return found


def _unsupported() -> Refused:
    return Refused(400, "InvalidRequest", f"The signature's algorithm is not supported. Use {_ALGORITHM}.")
