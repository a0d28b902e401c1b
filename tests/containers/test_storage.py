"""Transfer of pictures between bucket and disk."""

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from containers.worker.storage import Storage
from darkroom.contract.errors import DarkroomError, ErrorCode
from tests.containers.conftest import BUCKET, JOB

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def storage(s3: "S3Client") -> Storage:
    return Storage(BUCKET, s3)


def test_an_uploaded_file_is_downloaded_unchanged(storage: Storage, s3: "S3Client", tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    there, back = tmp_path / "there.jpg", tmp_path / "back.jpg"
    there.write_bytes(content)
    stored = storage.upload_file(there, "intermediates/x/scene.mp4", content_type="image/jpeg", filename="room.jpg")
    storage.download("intermediates/x/scene.mp4", back, limit=len(content))

    assert back.read_bytes() == content
    assert (stored.size, stored.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    head = s3.head_object(Bucket=BUCKET, Key="intermediates/x/scene.mp4")
    assert head["ContentType"] == "image/jpeg"
    assert head["ContentDisposition"] == 'inline; filename="room.jpg"'


def test_a_download_above_the_limit_is_rejected(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(DarkroomError) as error:
        storage.download(f"uploads/{JOB}/photo", tmp_path / "photo", limit=3)
    assert error.value.detail.code is ErrorCode.TOO_LARGE


def test_a_missing_upload_is_reported_as_expired(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(DarkroomError) as error:
        storage.download("uploads/none/photo", tmp_path / "photo", limit=3)
    assert error.value.detail.code is ErrorCode.UPLOAD_EXPIRED


def test_a_download_of_a_pinned_file_takes_no_other(storage: Storage, s3: "S3Client", tmp_path: Path) -> None:
    key, path = f"uploads/{JOB}/photo", tmp_path / "photo"
    etag = s3.head_object(Bucket=BUCKET, Key=key)["ETag"]
    storage.download(key, path, limit=100, etag=etag)
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"another")
    for retry in (True, False):
        with pytest.raises(DarkroomError, match="Submit a new job") as error:
            storage.download(key, path, limit=100, etag=etag, retry_if_replaced=retry)
        assert (error.value.detail.code, error.value.detail.retryable) == (ErrorCode.UPLOAD_EXPIRED, retry)
    assert path.read_bytes() == b"a photo"


def test_the_storage_is_told_what_it_stores(storage: Storage, s3: "S3Client", tmp_path: Path) -> None:
    content = b"a result"
    path = tmp_path / "result"
    path.write_bytes(content)
    sent: list[dict[str, Any]] = []
    s3.meta.events.register("provide-client-params.s3.PutObject", lambda params, **_: sent.append(params))
    storage.upload_file(path, "results/x/result", content_type="image/png", filename="result.png")
    assert sent[0]["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert sent[0]["ContentLength"] == len(content)
    storage.put_bytes("previews/x/1.jpg", b"small", content_type="image/jpeg")
    small = s3.get_object(Bucket=BUCKET, Key="previews/x/1.jpg")
    assert (small["ContentType"], small["Body"].read()) == ("image/jpeg", b"small")


def test_a_download_of_exactly_the_limit_gives_its_digest(storage: Storage, tmp_path: Path) -> None:
    key, size = f"uploads/{JOB}/photo", len(b"a photo")
    assert storage.download(key, tmp_path / "photo", limit=size) == hashlib.sha256(b"a photo").hexdigest()
    with pytest.raises(DarkroomError, match=f"more than {size - 1} bytes"):
        storage.download(key, tmp_path / "photo", limit=size - 1)


def test_keys_are_those_under_a_prefix(storage: Storage) -> None:
    for key in ("results/x/2", "results/x/1", "results/y/1"):
        storage.put_bytes(key, b"", content_type="image/jpeg")
    assert storage.keys("results/x/") == ["results/x/1", "results/x/2"]
    assert storage.keys("nothing/") == []


def test_a_deletion_that_fails_does_not_stop_the_others(
    storage: Storage, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("results/x/1", "results/x/2"):
        storage.put_bytes(key, b"", content_type="image/jpeg")
    delete = s3.delete_object

    def refuse_first(**call: Any) -> Any:
        if call["Key"] == "results/x/1":
            raise ClientError({"Error": {"Code": "SlowDown"}}, "DeleteObject")
        return delete(**call)

    monkeypatch.setattr(s3, "delete_object", refuse_first)
    storage.delete(["results/x/1", "results/x/2"])
    assert storage.keys("results/x/") == ["results/x/1"]


def test_another_error_of_the_storage_is_not_an_expired_upload(s3: "S3Client", tmp_path: Path) -> None:
    with pytest.raises(ClientError):
        Storage("no-such-bucket", s3).download("uploads/x/photo", tmp_path / "photo", limit=9)
