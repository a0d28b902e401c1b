"""Upload inspection: content type, dimensions and scans of an S3 object, without decoding, and its SHA-256.

Pictures are also cleaned of their metadata, so that nothing that is served later has a position in it.
"""

from base64 import b64decode
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cloud.dynamodb.job_store import InspectedUpload
from cloud.observability import logger
from cloud.s3.conditions import MISSING_CODES, REPLACED_CODES, if_match
from cloud.s3.metadata_removal import remove_metadata
from cloud.s3.picture_header import IncompleteHeader, read_header
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.file_signatures import ACCEPTED_AUDIO, audio_type_of, content_type_of
from darkroom.contract.jobs import UploadStatus
from darkroom.contract.jpeg_scans import MAX_SCANS, TOO_MANY_SCANS, count_scans, may_have_several_scans
from darkroom.contract.uploads import byte_limit

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Enough to tell what a file is. Pictures are read whole, as metadata may stand anywhere in them; recordings are not.
START_BYTES = 64 * 1024
# Metadata of a cleaned object: what the file was before. Owners cannot set them, as no presigned POST admits them.
ORIGINAL_SIZE, ORIGINAL_SHA256 = "original-size", "original-sha256"


class ObjectMissing(Exception):
    """Raised when no object exists under the key (any more), or a later one has replaced it."""


@dataclass(frozen=True)
class _StoredUpload:
    """An object of the bucket: a picture whole, of a recording its start.

    ``stored_sha256`` (hex) is what S3 has stored of the file as it was sent, if anything.
    """

    data: bytes
    size: int
    etag: str
    content_type: str
    metadata: Mapping[str, str]
    stored_sha256: str | None

    @property
    def original_size(self) -> int:
        """Size in bytes before it was cleaned."""
        return int(self.metadata.get(ORIGINAL_SIZE, self.size))

    @property
    def original_sha256(self) -> str | None:
        """SHA-256 (hex) before it was cleaned; None for a recording of which only the start was read, and of which S3
        has none.
        """
        if self.stored_sha256 is not None:
            return self.stored_sha256
        return sha256(self.data).hexdigest() if len(self.data) == self.size else None


class UploadInspector:
    """Inspects uploads, and cleans pictures of their metadata.

    Size and SHA-256 are always those of the file as it was sent, also after it was cleaned: declarations and the result
    cache refer to that.
    """

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def inspect(self, key: str, *, accept_audio: bool = False) -> InspectedUpload:
        """Return content type, size and SHA-256, and a picture's dimensions by its header.

        The SHA-256 is that which S3 verified at the upload, else that of the bytes. None for a long recording without.

        Pictures are read whole, and the scans of a JPEG are counted. With ``accept_audio``, audio files are accepted;
        ``check_declared`` rejects them where a picture was declared.

        Raises ``ObjectMissing``, or ``DarkroomError`` for an unusable file.
        """
        return _inspect(self._read(key), accept_audio=accept_audio)

    def inspect_and_clean(self, key: str, *, accept_audio: bool = False) -> InspectedUpload:
        """Inspect an upload as ``inspect`` does, and replace a picture with metadata by a copy without.

        S3 sends another event for the copy, which finds nothing more to do.

        Raises ``ObjectMissing``, or ``DarkroomError`` for an unusable file.
        """
        stored = self._read(key)
        inspected = _inspect(stored, accept_audio=accept_audio)
        if inspected.width is not None:
            cleaned = remove_metadata(stored.data)
            if cleaned != stored.data:
                return replace(inspected, etag=self._replace(key, stored, cleaned))
        return inspected

    def _read(self, key: str) -> _StoredUpload:
        """Read a picture whole, and the start of another file. Raises ``ObjectMissing``, or ``DarkroomError``
        (``too_large``).
        """
        try:
            response = self._s3.get_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            raise _missing_or_same(error, key) from error
        with closing(response["Body"]) as body:
            data = body.read(START_BYTES)
            size = response["ContentLength"]
            _check_size(size, byte_limit(audio_type_of(data) or ""))
            if content_type_of(data) is not None:
                data += body.read()
        metadata = response["Metadata"]
        return _StoredUpload(
            data, size, response["ETag"], response["ContentType"], metadata, _stored_sha256(metadata, response)
        )

    def _replace(self, key: str, stored: _StoredUpload, cleaned: bytes) -> str:
        """Put the cleaned picture and return its ETag. Raises ``ObjectMissing`` if the object was replaced or deleted
        since.
        """
        digest = stored.original_sha256
        assert digest is not None  # of a file that was read whole
        try:
            response = self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=cleaned,
                ContentType=stored.content_type,
                IfMatch=stored.etag,
                Metadata={ORIGINAL_SIZE: str(stored.original_size), ORIGINAL_SHA256: digest},
            )
        except ClientError as error:
            raise _missing_or_same(error, key) from error
        logger.info("metadata removed", key=key, removed_bytes=len(stored.data) - len(cleaned))
        return response["ETag"]

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
        received = replace(received, sha256=received.sha256 or self.sha256_of(key, received.etag))
        if declared.sha256 != received.sha256:
            raise DarkroomError(
                ErrorCode.CHECKSUM_MISMATCH,
                f"The {name} is not the file declared: its SHA-256 is {received.sha256}. Ask again.",
            )
        return received

    def sha256_of(self, key: str, etag: str | None = None) -> str:
        """Return the SHA-256 (hex) of the file as it was sent: stored with the object, else computed.

        Raises ``ObjectMissing``, also if the object has another ETag than ``etag``.
        """
        try:
            head = self._s3.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED", **if_match(etag))
            stored = _stored_sha256(head["Metadata"], head)
            if stored is not None:
                return stored
            digest = sha256()
            for chunk in self._s3.get_object(Bucket=self._bucket, Key=key, IfMatch=head["ETag"])["Body"].iter_chunks(
                2**20
            ):
                digest.update(chunk)
            return digest.hexdigest()
        except ClientError as error:
            raise _missing_or_same(error, key) from error


def not_audio_error(name: str, detected: str) -> DarkroomError:
    """Return the error for a file uploaded as audio that is not; ``detected`` is its probable type, in words."""
    return DarkroomError(
        ErrorCode.UNSUPPORTED_MEDIA,
        f"The {name} is {detected}, and no sound of a kind we know. Upload {ACCEPTED_AUDIO} instead.",
    )


def _inspect(stored: _StoredUpload, *, accept_audio: bool) -> InspectedUpload:
    size, digest = stored.original_size, stored.original_sha256
    audio_type = audio_type_of(stored.data) if accept_audio else None
    if audio_type is not None:
        return InspectedUpload(audio_type, None, None, size, digest, stored.etag)
    try:
        header = read_header(stored.data)
    except IncompleteHeader as error:
        raise DarkroomError(
            ErrorCode.INVALID_IMAGE, "The file ends before its picture begins. Save it again and retry."
        ) from error
    if header.content_type == "image/jpeg" and may_have_several_scans(stored.data):
        _check_scans(stored.data)
    return InspectedUpload(header.content_type, header.width, header.height, size, digest, stored.etag)


def _stored_sha256(metadata: Mapping[str, str], checksums: Mapping[str, Any]) -> str | None:
    """Return the SHA-256 (hex) of the file as it was sent, as S3 has stored it; None if it has none.

    S3 verifies and stores the one that a presigned POST fixes, and stores one of a copy by this service. A cleaned
    object has that of the former file in its metadata.
    """
    if ORIGINAL_SHA256 in metadata:
        return metadata[ORIGINAL_SHA256]
    return b64decode(checksums["ChecksumSHA256"]).hex() if "ChecksumSHA256" in checksums else None


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
    """Return ``ObjectMissing`` if there is no object, or a later one, which has its own event; else the error."""
    return ObjectMissing(key) if error.response["Error"]["Code"] in (*MISSING_CODES, *REPLACED_CODES) else error
