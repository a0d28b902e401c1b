"""Transfer of pictures between bucket and disk."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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
    stored = storage.upload_file(there, "results/x/result.jpg", content_type="image/jpeg", filename="room.jpg")
    storage.download("results/x/result.jpg", back, limit=len(content))

    assert back.read_bytes() == content
    assert (stored.size, stored.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    head = s3.head_object(Bucket=BUCKET, Key="results/x/result.jpg")
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
