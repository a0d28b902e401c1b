"""Request signatures: those of botocore are accepted, all others refused."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from botocore.auth import HmacV1QueryAuth, S3SigV4Auth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.access.keys import function_key, secrets_of
from infra.local.access.refusals import Refused
from infra.local.access.request import Request
from infra.local.access.signatures import Verifier
from tests.infra.access.conftest import FUNCTION, KEY, PORT, ROLE, ROOT, SECRET, URL, Guarded, client_of

REQUESTS: list[tuple[str, str, bytes, str]] = [
    ("GET", "/2015-03-31/functions/", b"", "lambda"),
    ("POST", "/", b"Action=ListTopics&Version=2010-03-31", "sns"),
    ("PUT", "/bucket/a%20folder/%C3%A4%2Bb~%281%29.jpg", b"\xff\xd8 picture", "s3"),
    ("GET", "/bucket?list-type=2&prefix=a%2Fb&delimiter=", b"", "s3"),
    ("GET", "/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Aapi?a=2&a=1&b", b"", "lambda"),
    ("DELETE", "/_aws/execute-api/1a2b/live/@connections/abc%3D", b"", "execute-api"),
]


@pytest.mark.parametrize("credentials", [ROOT, ROLE], ids=["root", "function"])
@pytest.mark.parametrize(("method", "path", "body", "service"), REQUESTS)
def test_requests_signed_by_botocore_are_accepted(
    guarded: Guarded, method: str, path: str, body: bytes, service: str, credentials: Credentials
) -> None:
    answer = guarded.send(method, path, body, service=service, credentials=credentials)
    assert answer.status_code == httpx2.codes.OK, answer.text
    assert guarded.bodies == [body]


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        (Credentials("test", "test"), "InvalidClientTokenId"),
        (Credentials("test", SECRET), "InvalidClientTokenId"),
        (Credentials("000000000000", SECRET), "InvalidClientTokenId"),
        (Credentials("AKIAIOSFODNN7EXAMPLE", SECRET), "InvalidClientTokenId"),
        (Credentials(KEY, "test"), "SignatureDoesNotMatch"),
        (Credentials(KEY, SECRET, "a token"), "InvalidClientTokenId"),
        (Credentials(FUNCTION.access_key_id, FUNCTION.secret_access_key), "InvalidClientTokenId"),
        (Credentials(FUNCTION.access_key_id, FUNCTION.secret_access_key, "other"), "InvalidClientTokenId"),
        (Credentials(FUNCTION.access_key_id, "other", FUNCTION.session_token), "SignatureDoesNotMatch"),
    ],
)
@pytest.mark.parametrize(("method", "path", "body", "service"), REQUESTS[:3])
def test_other_keys_and_secrets_are_rejected(
    guarded: Guarded, method: str, path: str, body: bytes, service: str, credentials: Credentials, code: str
) -> None:
    answer = guarded.send(method, path, body, service=service, credentials=credentials)
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (httpx2.codes.FORBIDDEN, code)
    assert guarded.bodies == []


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer token"}, {"Authorization": f"AWS {KEY}:c2lnbmVk"}])
def test_unsigned_requests_are_rejected(guarded: Guarded, headers: dict[str, str]) -> None:
    for method, path, body, _ in REQUESTS:
        answer = guarded.client.request(method, path, content=body, headers=headers)
        assert answer.status_code in (httpx2.codes.FORBIDDEN, httpx2.codes.BAD_REQUEST)
    assert guarded.bodies == []


@pytest.mark.parametrize(
    "change",
    [
        {"method": "POST"},
        {"url": "/2015-03-31/functions/other"},
        {"url": "/2015-03-31/functions/?Marker=a"},
        {"content": b"another"},
        {"headers": {"X-Amz-Date": "20260101T000000Z"}},
        {"headers": {"Host": f"localhost:{PORT}"}},
    ],
)
def test_a_signature_is_valid_only_for_its_own_request(guarded: Guarded, change: dict[str, Any]) -> None:
    request = AWSRequest(method="PUT", url=f"{URL}/2015-03-31/functions/", data=b"body")

    SigV4Auth(ROOT, "lambda", "us-east-1").add_auth(request)
    signed: dict[str, Any] = {"method": "PUT", "url": "/2015-03-31/functions/", "content": b"body"}
    signed["headers"] = dict(request.headers.items())
    assert guarded.client.request(**signed).status_code == httpx2.codes.OK
    changed = signed | change | {"headers": signed["headers"] | change.get("headers", {})}
    answer = guarded.client.request(**changed)
    assert (answer.status_code, len(guarded.bodies)) == (httpx2.codes.FORBIDDEN, 1)


def test_a_body_with_another_digest_than_the_signed_one_is_rejected(guarded: Guarded) -> None:
    request = AWSRequest(method="PUT", url=f"{URL}/bucket/key", data=b"mine")

    S3SigV4Auth(ROOT, "s3", "us-east-1").add_auth(request)
    answer = guarded.client.put("/bucket/key", content=b"not mine", headers=dict(request.headers.items()))
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (400, "XAmzContentSHA256Mismatch")
    assert answer.text.startswith("<Error><Code>XAmzContentSHA256Mismatch")


def test_a_signature_of_an_hour_ago_is_rejected(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = datetime.now(UTC) - timedelta(hours=1)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_args, **_named: earlier.replace(tzinfo=None))
    answer = guarded.send("GET", "/2015-03-31/functions/")
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (403, "RequestTimeTooSkewed")


# Presigned URLs.


@pytest.mark.parametrize("credentials", [ROOT, ROLE], ids=["root", "function"])
def test_presigned_urls_are_accepted(guarded: Guarded, credentials: Credentials) -> None:
    link = client_of("s3", credentials).generate_presigned_url(
        "get_object", {"Bucket": "pictures", "Key": "results/a b+ü.jpg", "ResponseContentDisposition": 'inline; "a"'}
    )
    assert guarded.client.get(link).status_code == httpx2.codes.OK
    assert guarded.client.put(link).status_code == httpx2.codes.FORBIDDEN
    assert guarded.client.get(link.replace("results", "uploads")).status_code == httpx2.codes.FORBIDDEN
    assert guarded.client.get(link + "&versionId=1").status_code == httpx2.codes.FORBIDDEN
    assert len(guarded.bodies) == 1


@pytest.mark.parametrize(
    "credentials", [Credentials("test", "test"), Credentials("000000000000", "test"), Credentials(KEY, "test")]
)
def test_presigned_urls_of_other_keys_are_rejected(guarded: Guarded, credentials: Credentials) -> None:
    link = client_of("s3", credentials).generate_presigned_url("get_object", {"Bucket": "pictures", "Key": "a.jpg"})
    assert guarded.client.get(link).status_code == httpx2.codes.FORBIDDEN
    request = AWSRequest(method="GET", url=f"{URL}/2015-03-31/functions/")
    SigV4QueryAuth(credentials, "lambda", "us-east-1").add_auth(request)
    assert guarded.client.get(request.url).status_code == httpx2.codes.FORBIDDEN


def test_an_expired_presigned_url_is_rejected(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = datetime.now(UTC) - timedelta(minutes=10)
    s3 = client_of("s3")
    good = s3.generate_presigned_url("get_object", {"Bucket": "pictures", "Key": "a.jpg"}, ExpiresIn=300)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_args, **_named: earlier.replace(tzinfo=None))
    late = s3.generate_presigned_url("get_object", {"Bucket": "pictures", "Key": "a.jpg"}, ExpiresIn=300)
    assert guarded.client.get(good).status_code == httpx2.codes.OK
    assert guarded.client.get(late).status_code == httpx2.codes.FORBIDDEN


def test_presigned_urls_of_an_older_algorithm_are_rejected(guarded: Guarded) -> None:
    request = AWSRequest(method="GET", url=f"{URL}/pictures/a.jpg")
    HmacV1QueryAuth(ROOT).add_auth(request)
    answer = guarded.client.get(request.url)
    assert answer.status_code == httpx2.codes.BAD_REQUEST
    assert "Use AWS4-HMAC-SHA256" in answer.text


@pytest.mark.parametrize(
    "change",
    [
        ("Credential=", "Credential=test/20260101/us-east-1/lambda/aws4_request, Credential="),
        ("Credential=", "X-Credential=000000000000/20260101/us-east-1/lambda/aws4_request, Credential="),
        ("SignedHeaders=host;", "SignedHeaders="),
        ("aws4_request", "aws4"),
        ("Signature=", "Signature=\u00fc"),
        ("Signature=", "Signature= "),
        ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
    ],
)
@pytest.mark.parametrize("credentials", [ROOT, ROLE], ids=["root", "function"])
def test_an_ambiguous_authorization_header_is_rejected(
    guarded: Guarded, credentials: Credentials, change: tuple[str, str]
) -> None:
    request = AWSRequest(method="GET", url=f"{URL}/2015-03-31/functions/")
    SigV4Auth(credentials, "lambda", "us-east-1").add_auth(request)
    headers = dict(request.headers.items())
    headers["Authorization"] = headers["Authorization"].replace(*change)
    raw = {name: value.encode() for name, value in headers.items()}
    answer = guarded.client.get("/2015-03-31/functions/", headers=raw)  # type: ignore[arg-type]
    assert answer.status_code in (400, 403)
    assert guarded.bodies == []


@pytest.mark.parametrize("header", ["X-Amz-Target", "x-amz-copy-source", "X-Amz-Security-Token"])
def test_unsigned_aws_headers_are_rejected(guarded: Guarded, header: str) -> None:
    more = {header: "DynamoDB_20120810.ListTables"}
    link = client_of("s3").generate_presigned_url("put_object", {"Bucket": "pictures", "Key": "a.jpg"})
    answer = guarded.client.put(link, headers=more)
    assert (answer.status_code, "not signed" in answer.text) == (403, True)
    request = AWSRequest(method="GET", url=f"{URL}/2015-03-31/functions/")
    SigV4Auth(ROOT, "lambda", "us-east-1").add_auth(request)
    answer = guarded.client.get("/2015-03-31/functions/", headers=dict(request.headers.items()) | more)
    assert answer.status_code == 403
    assert guarded.bodies == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Amz-Expires", "99999999999999999999"),
        ("X-Amz-Expires", "-5"),
        ("X-Amz-Expires", ""),
        ("X-Amz-Date", "yesterday"),
        ("X-Amz-Date", "20261399T999999Z"),
        ("X-Amz-Signature", "%C3%BC" * 32),
        ("X-Amz-Credential", "darkroom"),
        ("X-Amz-SignedHeaders", "%C3%BC"),
        ("X-Amz-Algorithm", "none"),
    ],
)
def test_a_malformed_presigned_url_is_rejected(guarded: Guarded, name: str, value: str) -> None:
    link = client_of("s3").generate_presigned_url("get_object", {"Bucket": "pictures", "Key": "a.jpg"})
    start = link.index(f"{name}=") + len(name) + 1
    end = link.find("&", start) if "&" in link[start:] else len(link)
    assert guarded.client.get(link[:start] + value + link[end:]).status_code in (400, 403)
    assert guarded.client.get(f"{link}&{name}={value}").status_code in (400, 403)
    assert guarded.client.get(f"{link}&{name.lower()}={value}").status_code in (400, 403)
    assert guarded.client.get(link, headers={"Authorization": "Bearer x"}).status_code == 400
    assert guarded.bodies == []


def test_two_signatures_are_rejected(guarded: Guarded) -> None:
    link = urlsplit(client_of("s3").generate_presigned_url("get_object", {"Bucket": "pictures", "Key": "a.jpg"}))
    answer = guarded.send("GET", f"{link.path}?{link.query}", service="s3")
    assert answer.status_code == httpx2.codes.BAD_REQUEST


@settings(max_examples=60)
@given(position=st.integers(0, 63), digit=st.sampled_from("0123456789abcdef"))
def test_other_signature_algorithms_are_rejected(position: int, digit: str) -> None:

    request = AWSRequest(method="GET", url=f"{URL}/2015-03-31/functions/")

    SigV4Auth(ROOT, "lambda", "us-east-1").add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()} | {"host": f"127.0.0.1:{PORT}"}
    stated = headers["authorization"]
    start = stated.index("Signature=") + len("Signature=") + position
    headers["authorization"] = stated[:start] + digit + stated[start + 1 :]
    changed = Request("GET", "/2015-03-31/functions/", "/2015-03-31/functions/", headers)
    verifier = Verifier(secrets_of(KEY, SECRET))
    if headers["authorization"] == stated:
        verifier.claim(changed).check(b"")
    else:
        with pytest.raises(Refused, match="signature"):
            verifier.claim(changed).check(b"")


def test_a_functions_key_is_deterministic_and_unique() -> None:
    function, role = "arn:aws:lambda:us-east-1:000000000000:function:api", "arn:aws:iam::000000000000:role/r"
    assert function_key(SECRET, function, role) == FUNCTION
    others = [function_key("other", function, role), function_key(SECRET, f"{function}2", role)]
    others.append(function_key(SECRET, function, f"{role}2"))
    assert len({key.secret_access_key for key in (FUNCTION, *others)}) == 4
    assert len({key.access_key_id for key in (FUNCTION, *others)}) == 4
