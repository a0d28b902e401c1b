"""Progress images by outcome: those of refused content go at once, and others stay for the next attempt's caller."""

from io import BytesIO
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from containers.worker.progress_images import ProgressImages, progress_images_prefix
from containers.worker.storage import Storage
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.results import PreviewPicture
from pipeline.core.stages import StageContext
from tests.containers.conftest import BUCKET, JOB, Container, invoke
from tests.containers.plans import keys, plan_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EARLIER = f"previews/{JOB}/0-1.jpg"
OTHER_JOB = f"previews/{'b' * 32}/1-1.jpg"


@pytest.fixture
def images(s3: "S3Client") -> None:
    """An image of an earlier attempt, and one of another job."""
    for key in (EARLIER, OTHER_JOB):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"image")


@pytest.mark.usefixtures("images")
@pytest.mark.parametrize(
    ("code", "kept"), [(ErrorCode.REJECTED_CONTENT, False), (ErrorCode.NO_FACE, True), (ErrorCode.OUT_OF_MEMORY, True)]
)
async def test_images_of_refused_content_are_deleted_and_no_others(
    container: Container, s3: "S3Client", code: ErrorCode, kept: bool
) -> None:
    def refuse(_: StageContext) -> None:
        raise DarkroomError(code, "No.")

    outcome = await invoke(container(plan_of(refuse)))
    assert (outcome["status"], outcome["error"]["code"]) == ("failed", code)
    assert keys(s3, "previews/") == [*([EARLIER] if kept else []), OTHER_JOB]


def test_an_image_is_stored_under_its_job_and_told_with_its_size(s3: "S3Client") -> None:
    told: SimpleQueue[PreviewPicture] = SimpleQueue()
    images = ProgressImages(Storage(BUCKET, s3), JOB, 2, told.put)
    images.enqueue(np.full((300, 500, 3), 128, np.uint8))
    picture = told.get(timeout=60)
    images.enqueue(np.full((300, 500, 3), 90, np.uint8))
    later = told.get(timeout=60)
    images.close()
    # Each has a key of its own: a link to the earlier one still shows it.
    assert [picture.key, later.key] == [f"previews/{JOB}/2-1.jpg", f"previews/{JOB}/2-2.jpg"]
    assert keys(s3, progress_images_prefix(JOB)) == [picture.key, later.key]
    stored = s3.get_object(Bucket=BUCKET, Key=later.key)
    assert stored["ContentType"] == "image/jpeg"
    assert Image.open(BytesIO(stored["Body"].read())).size == (later.width, later.height)
    assert picture.width / picture.height == pytest.approx(500 / 300, rel=0.01)


def test_no_image_is_taken_after_the_end(s3: "S3Client") -> None:
    told: list[PreviewPicture] = []
    images = ProgressImages(Storage(BUCKET, s3), JOB, 1, told.append)
    images.close()
    images.enqueue(np.zeros((30, 40, 3), np.uint8))
    images.close()
    assert (told, keys(s3, "previews/")) == ([], [])


def test_no_image_is_taken_once_they_were_deleted(s3: "S3Client") -> None:
    told: list[PreviewPicture] = []
    images = ProgressImages(Storage(BUCKET, s3), JOB, 1, told.append)
    images.delete_all()
    images.enqueue(np.zeros((30, 40, 3), np.uint8))
    images.close()
    assert keys(s3, "previews/") == []
