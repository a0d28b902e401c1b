"""File uploads to S3: a multipart POST streamed from disk, and S3's XML errors in plain words."""

import io
from collections.abc import Callable
from datetime import datetime
from typing import cast
from xml.etree.ElementTree import Element, ParseError, XMLParser

import httpx2

from darkroom.client import clock_skew
from darkroom.client.connections import Connections
from darkroom.client.errors import UploadError
from darkroom.client.input_files import InputFile
from darkroom.client.network import RETRIED_STATUS, send_with_retries
from darkroom.client.responses import PresignedPost
from darkroom.contract.errors import ErrorCode
from darkroom.contract.uploads import byte_limit

Progress = Callable[[int, int], None]
"""Called with the bytes sent so far and the bytes in all; a retry starts at 0 again."""

MEGABYTE = 1024 * 1024
_REASONS: dict[str, tuple[ErrorCode, str]] = {
    "EntityTooLarge": (
        ErrorCode.TOO_LARGE,
        "The file is larger than what was declared or than the limit of {limit} MB.",
    ),
    "EntityTooSmall": (ErrorCode.EMPTY_FILE, "The file is empty, or smaller than what was declared."),
    "BadDigest": (ErrorCode.CHECKSUM_MISMATCH, "The file changed while it was uploaded."),
    "InvalidDigest": (ErrorCode.CHECKSUM_MISMATCH, "The file changed while it was uploaded."),
    "XAmzContentChecksumMismatch": (ErrorCode.CHECKSUM_MISMATCH, "The file changed while it was uploaded."),
    "XAmzContentSHA256Mismatch": (ErrorCode.CHECKSUM_MISMATCH, "The file changed while it was uploaded."),
    "ExpiredToken": (ErrorCode.UPLOAD_EXPIRED, "The time to upload is over; ask for new uploads."),
    "NoSuchBucket": (ErrorCode.NOT_FOUND, "The bucket for uploads is gone: the stack was replaced or is not complete."),
}
_TOO_SKEWED = "RequestTimeTooSkewed"
_RETRIED_CODES = frozenset({"RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable"})


class CountedFile(io.BufferedReader):
    """A file that reports every read to a progress callback."""

    def __init__(self, file: InputFile, progress: Progress | None) -> None:
        super().__init__(cast("io.RawIOBase", file.open()))
        self._progress = progress
        self._size = file.size

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as a buffered reader, then report."""
        chunk = super().read(size)
        if self._progress is not None and chunk:
            self._progress(self.tell(), self._size)
        return chunk


async def upload_file(
    connections: Connections, form: PresignedPost, file: InputFile, progress: Progress | None = None
) -> None:
    """Upload ``file`` by the presigned ``form``; retries on connection errors, which overwrites the same key.

    Raises ``UploadError`` with the code of S3's rejection, ``UnreachableError`` when S3 does not respond, and
    ``OSError`` when the file cannot be read.
    """

    async def post() -> httpx2.Response:
        with CountedFile(file, progress) as content:
            # S3 uses the form's Content-Type field and ignores the type of the file part.
            # It has no use for the file's name, which may not be Unicode.
            part = ("file", content, "application/octet-stream")
            return await connections.storage.request("POST", form.url, data=form.fields, files={"file": part})

    response = await send_with_retries(
        post,
        connections.clock.sleep,
        is_retried=lambda response: response.status_code in RETRIED_STATUS or _s3_error(response)[0] in _RETRIED_CODES,
    )
    if not response.is_success:
        raise upload_error(response, byte_limit(form.fields.get("Content-Type", "")))


def upload_error(response: httpx2.Response, limit: int) -> UploadError:
    """Return the error for S3's rejection of a file of at most ``limit`` bytes.

    An expired policy is ``upload_expired``, a wrong clock ``clock_skew``, other violations are ``forbidden``.
    """
    code, message = _s3_error(response)
    if code == _TOO_SKEWED:
        return UploadError(clock_skew.CODE, _describe_skew(response))
    if code == "AccessDenied" and "expired" in message.lower():
        reason, words = _REASONS["ExpiredToken"]
        return UploadError(reason, words + clock_skew.clock_hint(clock_skew.server_time(response)))
    if code in _REASONS:
        reason, words = _REASONS[code]
        return UploadError(reason, words.format(limit=limit // MEGABYTE))
    reported = f"{code}: {message}" if code else f"HTTP {response.status_code}"
    if response.status_code in RETRIED_STATUS or code in _RETRIED_CODES:
        return UploadError(ErrorCode.INTERNAL, f"The storage is in trouble ({reported}); try again later.")
    if code == "InvalidArgument" and "checksum" in message.lower():
        return UploadError(*_REASONS["BadDigest"])
    return UploadError(ErrorCode.FORBIDDEN, f"The storage refused the upload ({reported}).")


def _describe_skew(response: httpx2.Response) -> str:
    """Return whose clock is wrong, and by how much: this machine's, or that of the machine that signed the request."""
    fields = _s3_fields(response)
    server = _instant(fields.get("ServerTime", "")) or clock_skew.server_time(response)
    refused = "The storage refuses the time of the request."
    if hint := clock_skew.clock_hint(server):
        return refused + hint
    signed = _instant(fields.get("RequestTime", ""))
    if server is None or signed is None:
        return f"{refused} A clock is wrong: this machine's, or that of the service."
    side = "ahead of" if signed > server else "behind"
    by = clock_skew.describe(signed - server)
    return f"{refused} It was signed by a clock that is {by} {side} the storage's: that of the service is wrong."


def _instant(text: str) -> datetime | None:
    """Return a time of S3's XML: ``2026-05-01T12:00:00Z``, or ``20260501T120000Z`` as in a signature."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _s3_error(response: httpx2.Response) -> tuple[str, str]:
    """Return ``Code`` and ``Message`` of S3's XML; two empty strings for any other body."""
    fields = _s3_fields(response)
    return fields.get("Code", ""), fields.get("Message", "")


def _s3_fields(response: httpx2.Response) -> dict[str, str]:
    """Return the elements of S3's XML by name; none for any other body."""
    if response.is_success or not response.content.lstrip().startswith(b"<"):
        return {}
    try:
        root = _parse(response.content)
    except ParseError:
        return {}
    return {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in root.iter()}


def _parse(content: bytes) -> Element:
    """Parse XML without a document type, which rules out entity expansion attacks."""
    if b"<!DOCTYPE" in content[:1024] or len(content) > MEGABYTE:
        raise ParseError("not an error of S3")
    parser = XMLParser()  # noqa: S314 - no document type, bounded size
    parser.feed(content)
    return parser.close()
