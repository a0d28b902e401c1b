"""Models engine in the container, over HTTP: a photo through the real plan."""

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from cloud.dynamodb.job_store import JobStore
from darkroom.contract.jobs import Job
from tests.containers.conftest import BUCKET, PARAMS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
from tests.containers.models.conftest import Container
from tests.containers.models.outcomes import CACHED_STAGES, picture, restyle, stages


@pytest.mark.parametrize("profile", ["fast", "quality"])
async def test_restyling_runs_every_stage_and_reports_objects_and_models(
    container: Container, s3: "S3Client", photo: np.ndarray, profile: str
) -> None:
    outcome = await restyle(container(), profile=profile)

    assert picture(s3, outcome).shape == photo.shape
    between = ["load", "detect", "segment", "keep", "classify", "depth", "edges", "diffuse", "validate", "finish"]
    assert stages(outcome) == ["prepare", "download", *between, "save", "upload"]
    result = outcome["result"]
    assert (result["engine"], result["seed"]) == ("models", PARAMS["seed"])
    assert set(result["quality"]) == {"structure", "style", "visual", "objects", "score"}
    assert result["room"]["room"]
    assert all({"label", "box", "score", "area", "kept", "outlines"} == set(each) for each in result["objects"])
    used = {model["id"] for model in result["models"]}
    assert {"yolo11n", "sam2.1-tiny", "clip-vit-b32", "depth-anything-v2-small", "sd15", "safety-checker"} <= used
    assert ("lcm-lora-sd15" in used) is (profile == "fast")


async def test_equal_seeds_give_equal_pictures_and_different_seeds_different_ones(
    container: Container, s3: "S3Client", photo: np.ndarray
) -> None:
    client = container()
    first, again, other = [picture(s3, await restyle(client, seed=seed)) for seed in (7, 7, 8)]
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


async def test_a_second_style_of_one_photo_uses_cached_stages(container: Container, photo: np.ndarray) -> None:
    client = container()
    await restyle(client, style="modern")
    second = await restyle(client, style="boho", keep=["sofa"])
    assert {time["stage"] for time in second["timeline"] if time["cached"]} == set(CACHED_STAGES)
    named = {model["id"] for model in second["result"]["models"]}
    assert "sam2.1-tiny" in named


async def test_kept_pixels_are_unchanged(container: Container, s3: "S3Client", photo: np.ndarray) -> None:
    # The tiny detector sees couches, plants and people all over any photo.
    outcome = await restyle(container(), keep=["sofa", "plant"], keep_people=True)
    kept = [each for each in outcome["result"]["objects"] if each["kept"]]
    assert kept
    same = (picture(s3, outcome) == photo).all(axis=2)
    assert same.mean() >= 0.9 * max(each["area"] for each in kept)
    assert not same.all()


async def test_progress_images_are_stored_during_the_job(
    container: Container, store: JobStore, s3: "S3Client", photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Job] = []
    report = JobStore.report

    def remember(self: JobStore, job_id: str, *args: Any, **kwargs: Any) -> None:
        report(self, job_id, *args, **kwargs)
        record = self.get(job_id)
        if record is not None and record.preview is not None:
            shown.append(record.public(lambda key: f"https://bucket/{key}"))

    monkeypatch.setattr(JobStore, "report", remember)
    await restyle(container(), steps=4)

    assert shown
    progress_image = shown[-1].preview
    assert progress_image is not None
    assert progress_image.url == f"https://bucket/{progress_image.key}"
    body = s3.get_object(Bucket=BUCKET, Key=progress_image.key)["Body"].read()
    with Image.open(io.BytesIO(body)) as image:
        assert image.size == (progress_image.width, progress_image.height)
