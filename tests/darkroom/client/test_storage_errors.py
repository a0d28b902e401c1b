"""S3's rejections of an upload, in words and codes that a caller can act on."""

import httpx2
import pytest

from darkroom.client.file_upload import MEGABYTE, upload_error


def xml(code: str, message: str = "Words of S3.") -> bytes:
    return f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'.encode()


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        (400, xml("EntityTooLarge"), "too_large", "the limit of 20 MB"),
        (400, xml("EntityTooSmall"), "empty_file", "is empty"),
        (400, xml("BadDigest"), "checksum_mismatch", "changed while it was uploaded"),
        (400, xml("InvalidDigest"), "checksum_mismatch", "changed while it was uploaded"),
        (400, xml("XAmzContentChecksumMismatch"), "checksum_mismatch", "changed while it was uploaded"),
        (400, xml("XAmzContentSHA256Mismatch"), "checksum_mismatch", "changed while it was uploaded"),
        (
            400,
            xml("InvalidArgument", "Value for x-amz-checksum-sha256 header is invalid."),
            "checksum_mismatch",
            "changed",
        ),
        (400, xml("InvalidArgument", "Bad key."), "forbidden", "InvalidArgument: Bad key."),
        (400, xml("MalformedPOST", "No checksum field."), "forbidden", "MalformedPOST: No checksum field."),
        (
            403,
            xml("AccessDenied", "Invalid according to Policy: Policy expired."),
            "upload_expired",
            "ask for new uploads",
        ),
        (
            403,
            xml("AccessDenied", "Invalid according to Policy: Policy Condition failed."),
            "forbidden",
            "AccessDenied",
        ),
        (403, xml("SignatureDoesNotMatch", "It has expired."), "forbidden", "SignatureDoesNotMatch: It has expired."),
        (400, xml("ExpiredToken"), "upload_expired", "ask for new uploads"),
        (404, xml("NoSuchBucket"), "not_found", "the stack was replaced"),
        (503, xml("SlowDown", "Reduce your rate."), "internal", "SlowDown: Reduce your rate."),
        (400, xml("RequestTimeout", "Idle."), "internal", "try again later"),
        (502, b"", "internal", "HTTP 502"),
        (418, b"teapot", "forbidden", "HTTP 418"),
        (403, b"<html>not closed", "forbidden", "HTTP 403"),
        (403, b"<!DOCTYPE a [<!ENTITY b 'c'>]><Error><Code>EntityTooLarge</Code></Error>", "forbidden", "HTTP 403"),
        (400, b"\n " + xml("EntityTooLarge").partition(b"?>")[2], "too_large", "20 MB"),
        (400, b"<Error>" + b" " * MEGABYTE + b"<Code>EntityTooLarge</Code></Error>", "forbidden", "HTTP 400"),
    ],
)
def test_a_rejection_has_the_code_of_its_cause(status: int, body: bytes, code: str, words: str) -> None:
    error = upload_error(httpx2.Response(status, content=body), 20 * MEGABYTE)
    assert error.code == code
    assert words in str(error)


def test_a_namespace_of_s3_changes_nothing() -> None:
    body = b'<Error xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Code>EntityTooSmall</Code></Error>'
    assert upload_error(httpx2.Response(400, content=body), MEGABYTE).code == "empty_file"
