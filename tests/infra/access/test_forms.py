"""Form uploads from browsers to S3."""

from base64 import b64encode
from hashlib import sha256
from typing import Any

import httpx2
import pytest
from botocore.credentials import Credentials

from infra.local.access.forms import read_form
from infra.local.access.refusals import Refused
from tests.infra.access.conftest import KEY, ROLE, ROOT, Guarded, client_of

PICTURE = b"\xff\xd8 picture"


def post(guarded: Guarded, fields: dict[str, str], **more: Any) -> httpx2.Response:
    """The answer to a form with a file, as a browser sends it."""
    return guarded.client.post("/pictures", data=fields, files={"file": ("me.jpg", PICTURE, "image/jpeg")}, **more)


def form(credentials: Credentials) -> dict[str, str]:
    fields = client_of("s3", credentials).generate_presigned_post(
        "pictures", "uploads/1/photo", {"Content-Type": "image/jpeg"}, [{"Content-Type": "image/jpeg"}]
    )["fields"]
    return dict(fields)


@pytest.mark.parametrize("credentials", [ROOT, ROLE], ids=["root", "function"])
def test_a_form_signed_by_botocore_is_accepted(guarded: Guarded, credentials: Credentials) -> None:
    assert post(guarded, form(credentials)).status_code == httpx2.codes.OK
    assert len(guarded.bodies) == 1
    assert PICTURE in guarded.bodies[0]


@pytest.mark.parametrize(
    "credentials", [Credentials("test", "test"), Credentials("000000000000", "test"), Credentials(KEY, "test")]
)
def test_forms_signed_with_other_keys_are_rejected(guarded: Guarded, credentials: Credentials) -> None:
    answer = post(guarded, form(credentials))
    assert (answer.status_code, answer.headers["content-type"]) == (httpx2.codes.FORBIDDEN, "application/xml")
    assert guarded.bodies == []


@pytest.mark.parametrize(
    "change",
    [
        {"policy": "e30="},
        {"x-amz-signature": "0" * 64},
        {"x-amz-credential": "darkroom/20260101/us-east-1/s3/aws4_request"},
        {"x-amz-credential": "darkroom"},
        {"x-amz-signature": "\u00fc" * 64},
        {"x-amz-algorithm": "AWS"},
        {"policy": None},
        {"x-amz-signature": None},
    ],
)
def test_altered_forms_are_rejected(guarded: Guarded, change: dict[str, str | None]) -> None:
    fields = {name: value for name, value in (form(ROOT) | change).items() if value is not None}
    assert post(guarded, fields).status_code in (httpx2.codes.FORBIDDEN, httpx2.codes.BAD_REQUEST)
    assert guarded.bodies == []


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/_ministack/reset", {}),
        ("/2015-03-31/functions/sweep/invocations", {}),
        ("/pictures/key", {}),
        ("/pictures?delete", {}),
        ("/?Action=ListUsers", {}),
        ("/pictures", {"Authorization": "Bearer x"}),
        ("/pictures", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}),
        ("/pictures", {"x-amz-acl": "public-read"}),
    ],
)
def test_a_form_is_accepted_only_at_a_bucket(guarded: Guarded, path: str, headers: dict[str, str]) -> None:
    answer = guarded.client.post(path, data=form(ROOT), files={"file": b"x"}, headers=headers)
    assert answer.status_code == httpx2.codes.FORBIDDEN
    assert guarded.bodies == []


@pytest.mark.parametrize(
    ("named", "code"),
    [
        (b64encode(sha256(PICTURE).digest()).decode(), None),
        (b64encode(sha256(b"another").digest()).decode(), "BadDigest"),
        (sha256(PICTURE).hexdigest(), "InvalidRequest"),
        ("", "InvalidRequest"),
    ],
)
def test_only_the_file_of_the_checksum_is_accepted(guarded: Guarded, named: str, code: str | None) -> None:
    """S3 verifies it, as the policy fixes the field; MiniStack does not."""
    checksum = {"x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-sha256": named}
    fields = client_of("s3").generate_presigned_post("pictures", "uploads/1/photo", checksum, [checksum])["fields"]
    answer = post(guarded, fields)
    if code is None:
        assert (answer.status_code, len(guarded.bodies)) == (httpx2.codes.OK, 1)
        return
    assert (answer.status_code, answer.headers["content-type"]) == (httpx2.codes.BAD_REQUEST, "application/xml")
    assert f"<Code>{code}</Code>" in answer.text
    assert guarded.bodies == []


def test_a_file_of_another_size_is_left_to_the_emulator(guarded: Guarded) -> None:
    """S3 answers it with EntityTooLarge, whatever the file is."""
    checksum = {"x-amz-checksum-sha256": b64encode(sha256(b"another").digest()).decode()}
    conditions = [checksum, ["content-length-range", 1, 7]]
    fields = client_of("s3").generate_presigned_post("pictures", "uploads/1/photo", checksum, conditions)["fields"]
    assert post(guarded, fields).status_code == httpx2.codes.OK
    assert len(guarded.bodies) == 1


def test_an_expired_form_is_rejected(guarded: Guarded) -> None:
    fields = client_of("s3").generate_presigned_post("pictures", "uploads/1/photo", ExpiresIn=-1)["fields"]
    answer = post(guarded, fields)
    assert (answer.status_code, "Policy expired" in answer.text) == (403, True)


def test_a_form_signed_for_another_service_is_rejected(guarded: Guarded) -> None:
    answer = guarded.client.post("/", files={"file": b"x"}, data={"Action": "ListUsers"})
    assert answer.status_code == httpx2.codes.FORBIDDEN


PART = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'


def test_fields_after_the_file_are_ignored() -> None:
    body = PART.format("Key", "a\r\nb") + PART.format("file", "x") + PART.format("policy", "late") + "--b--"
    form = read_form("multipart/form-data; boundary=b", body.encode())
    assert (form.fields, form.file) == ({"key": "a\r\nb"}, b"x")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", "--b--"),
        ("multipart/form-data; boundary=b", ""),
        ("multipart/form-data; boundary=b", PART.format("key", "a")),
        ("multipart/form-data; boundary=b", PART.format("key", "a") + PART.format("file", "x")),
        ("multipart/form-data; boundary=b", PART.format("key", "a") + PART.format("KEY", "b") + "--b--"),
        ("multipart/form-data; boundary=b", "--b\r\nContent-Type: text/plain\r\n\r\na\r\n--b--"),
        ("multipart/form-data; boundary=b", "--b\r\nno header"),
        ("multipart/form-data; boundary=b", "".join(PART.format(f"f{n}", "") for n in range(80)) + "--b--"),
    ],
)
def test_a_malformed_form_is_rejected(content_type: str, body: str) -> None:
    with pytest.raises(Refused, match="not a form"):
        read_form(content_type, body.encode())
