"""Upload inspection: content type, dimensions and scans of an S3 object, without decoding, and its SHA-256."""

from base64 import b64decode
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cloud.dynamodb.job_store import InspectedUpload
from cloud.s3.picture_header import IncompleteHeader, read_header
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.jobs import UploadStatus
from darkroom.contract.jpeg_scans import MAX_SCANS, TOO_MANY_SCANS, count_scans, may_have_several_scans
from darkroom.contract.uploads import MAX_UPLOAD_BYTES, audio_type_of, byte_limit

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Bytes to read for a header, in steps: nearly every file has it at the start; some JPEGs have megabytes before it.
HEADER_READ_BYTES = (64 * 1024, 1024 * 1024, 8 * 1024 * 1024)


class ObjectMissing(Exception):
    """Raised when no object exists under the key (any more)."""


class UploadInspector:
    """Inspects uploads, reading as few bytes as possible."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def inspect(self, key: str, *, accept_audio: bool = False) -> InspectedUpload:
        """Return content type, dimensions and size by the header; the SHA-256 too, if the whole file was read.

        JPEGs that may have several scans, such as progressive ones, are read whole and their scans are counted.

        With ``accept_audio``, audio files are accepted; ``check_declared`` rejects them where a picture was declared.

        Raises ``ObjectMissing``, or ``DarkroomError`` for an unusable file.
        """
        for length in HEADER_READ_BYTES:
            try:
                response = self._s3.get_object(Bucket=self._bucket, Key=key, Range=f"bytes=0-{length - 1}")
            except ClientError as error:
                if error.response["Error"]["Code"] in ("InvalidRange", "416"):
                    read_header(b"")
                raise _missing_or_same(error, key) from error
            data = response["Body"].read()
            size = int(response.get("ContentRange", "").rpartition("/")[2] or response["ContentLength"])
            audio_type = audio_type_of(data) if accept_audio else None
            _check_size(size, byte_limit(audio_type or ""))
            digest = sha256(data).hexdigest() if len(data) == size else None
            if audio_type is not None:
                return InspectedUpload(audio_type, None, None, size, digest)
            try:
                header = read_header(data)
            except IncompleteHeader:
                if len(data) >= size:
                    break
                continue
            if header.content_type == "image/jpeg" and may_have_several_scans(data):
                # Scans are spread over the whole file. Few files have several.
                whole = data if len(data) == size else self._read(key)
                _check_scans(whole)
                digest = sha256(whole).hexdigest()
            return InspectedUpload(header.content_type, header.width, header.height, size, digest)
        raise DarkroomError(
            ErrorCode.INVALID_IMAGE, "The file ends before its picture begins. Save it again and retry."
        )

    def _read(self, key: str) -> bytes:
        """Read a whole object, whose size has been checked. Raises ``ObjectMissing``."""
        try:
            # The object may have been replaced by a larger one since.
            return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read(MAX_UPLOAD_BYTES)
        except ClientError as error:
            raise _missing_or_same(error, key) from error

    def check_declared(self, key: str, name: str, declared: UploadStatus, received: InspectedUpload) -> InspectedUpload:
        """Compare an upload with its declaration; return it, with its SHA-256 if one was declared.

        ``name`` is the upload's name in error messages. Raises ``ObjectMissing``, or ``DarkroomError`` on a mismatch.
        """
        if declared.content_type != received.content_type:
            # The streams inside a media container have not been inspected.
            detected = "sound or a video" if received.width is None else received.content_type
            raise DarkroomError(
                ErrorCode.UNSUPPORTED_MEDIA,
                f"The {name} was declared {declared.content_type} but is {detected}. "
                "Ask again with the right content_type.",
            )
        if declared.size is not None and declared.size != received.size:
            raise DarkroomError(
                ErrorCode.CHECKSUM_MISMATCH,
                f"The {name} was declared with {declared.size} bytes but has {received.size}. Ask again.",
            )
        if declared.sha256 is None:
            return received
        received = replace(received, sha256=received.sha256 or self.sha256_of(key))
        if declared.sha256 != received.sha256:
            raise DarkroomError(
                ErrorCode.CHECKSUM_MISMATCH,
                f"The {name} is not the file declared: its SHA-256 is {received.sha256}. Ask again.",
            )
        return received

    def sha256_of(self, key: str) -> str:
        """Return the SHA-256 (hex): the checksum that S3 stored with the upload, else computed.

        Raises ``ObjectMissing``.
        """
        try:
            head = self._s3.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
            if "ChecksumSHA256" in head:
                return b64decode(head["ChecksumSHA256"]).hex()
            digest = sha256()
            for chunk in self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].iter_chunks(2**20):
                digest.update(chunk)
            return digest.hexdigest()
        except ClientError as error:
            raise _missing_or_same(error, key) from error


def not_audio_error(name: str, detected: str) -> DarkroomError:
    """Return the error for a file uploaded as audio that is not; ``detected`` is its probable type, in words."""
    return DarkroomError(
        ErrorCode.UNSUPPORTED_MEDIA,
        f"The {name} is {detected}, and no sound of a kind we know. "
        "Upload WAV, MP3, MP4 (M4A), Ogg, FLAC or WebM instead.",
    )


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise DarkroomError(
            ErrorCode.TOO_LARGE,
            f"The file has {size / 2**20:.1f} MB; {limit // 2**20} MB is the limit. Make it smaller.",
        )


def _check_scans(jpeg: bytes) -> None:
    if count_scans(jpeg) > MAX_SCANS:
        raise DarkroomError(ErrorCode.INVALID_IMAGE, TOO_MANY_SCANS)


def _missing_or_same(error: ClientError, key: str) -> Exception:
    return ObjectMissing(key) if error.response["Error"]["Code"] in ("NoSuchKey", "404") else error
