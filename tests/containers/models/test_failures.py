"""Models engine in the container, over HTTP: cancellation, rejected content and missing weights."""

import io
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from cloud.dynamodb.job_store import JobStore
from containers.worker.storage import Storage
from darkroom.contract.engine import Engine
from darkroom.contract.jobs import State
from darkroom.contract.kinds import Kind
from tests.containers.conftest import BUCKET, JOB, cancel, invoke

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
from tests.containers.models.conftest import Container
from tests.containers.models.outcomes import picture, progress_image_keys, restyle, stages


async def test_a_cancelled_job_stops_within_one_step_and_leaves_no_files(
    container: Container, store: JobStore, s3: "S3Client", photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers import UNet2DConditionModel  # noqa: PLC0415 - seconds that only this test needs

    steps = 0
    forward = UNet2DConditionModel.forward

    def count(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps == 2:
            cancel(store)
            cancellation_noticed.wait(30)
        return forward(self, *args, **kwargs)

    cancellation_noticed = threading.Event()
    get = JobStore.get

    def tell(self: JobStore, job_id: str) -> Any:
        record = get(self, job_id)
        if record is not None and record.state is State.CANCELLED:
            threading.Timer(0.05, cancellation_noticed.set).start()  # once the writer has taken it in
        return record

    monkeypatch.setattr(JobStore, "get", tell)
    monkeypatch.setattr(UNet2DConditionModel, "forward", count)
    outcome = await restyle(container(), steps=30)
    assert outcome["status"] == "abandoned"
    assert steps <= 3
    assert not s3.list_objects_v2(Bucket=BUCKET, Prefix="results/").get("Contents")


@pytest.mark.parametrize("times", [1, 2])
async def test_out_of_memory_halves_the_picture_once_and_the_next_job_completes(
    container: Container, s3: "S3Client", photo: np.ndarray, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    import torch  # noqa: PLC0415 - seconds that only this test needs
    from diffusers import UNet2DConditionModel  # noqa: PLC0415

    left, forward = [times], UNet2DConditionModel.forward

    def run_out(self: Any, *args: Any, **kwargs: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(UNet2DConditionModel, "forward", run_out)
    client = container()
    outcome = await restyle(client)
    if times == 1:
        assert any("half size" in note for note in outcome["result"]["notes"])
        assert picture(s3, outcome).shape == photo.shape
    else:
        assert (outcome["status"], outcome["error"]["code"]) == ("failed", "out_of_memory")
        assert outcome["error"]["retryable"]
    assert (await client.get("/ping")).status_code == 200
    assert not any("half size" in note for note in (await restyle(client))["result"]["notes"])


async def test_unsafe_content_is_rejected_and_its_progress_images_are_deleted(
    container: Container, s3: "S3Client", photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.models.networks.safety import ClipSafetyChecker  # noqa: PLC0415 - seconds that only these tests need

    monkeypatch.setattr(ClipSafetyChecker, "unsafe", lambda *_: True)
    outcome = await restyle(container(), steps=4)
    assert (outcome["status"], outcome["error"]["code"]) == ("failed", "rejected_content")
    assert not outcome["error"]["retryable"]
    assert not s3.list_objects_v2(Bucket=BUCKET, Prefix="results/").get("Contents")
    assert not progress_image_keys(s3)


async def test_progress_images_of_dropped_pictures_are_deleted(
    container: Container, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.models.networks.safety import ClipSafetyChecker  # noqa: PLC0415 - likewise

    answers = iter((False, True, False))
    monkeypatch.setattr(ClipSafetyChecker, "unsafe", lambda *_: next(answers))
    put, stored = Storage.put_bytes, []
    monkeypatch.setattr(
        Storage, "put_bytes", lambda self, key, *args, **kw: (stored.append(key), put(self, key, *args, **kw))
    )
    params = {"prompt": "a red kite", "count": 3}
    outcome = await invoke(container(), kind=Kind.GENERATE, engine=Engine.MODELS, params=params, uploads={})
    assert [each["name"] for each in outcome["result"]["pictures"]] == [
        "result",
        "thumbnail",
        "result-2",
        "thumbnail-2",
    ]
    assert stored
    assert not progress_image_keys(s3)


async def test_missing_weights_fail_with_one_line_that_names_the_fetch_command(
    container: Container, s3: "S3Client", photo: np.ndarray, tmp_path: Path
) -> None:
    client = container(weights=tmp_path)
    outcome = await restyle(client)
    assert outcome["error"]["code"] == "engine_unavailable"
    assert "darkroom models fetch yolo11n" in outcome["error"]["message"]
    assert "\n" not in outcome["error"]["message"]
    instead = await invoke(client, engine=Engine.MODELS, allow_preview=True)
    assert instead["result"]["engine"] == "preview"
    assert "preview engine" in instead["result"]["notes"][0]


async def test_face_swap_networks_need_the_accepted_research_licence(container: Container, s3: "S3Client") -> None:
    picture = np.full((240, 320, 3), 120, np.uint8)
    picture[100:120, 80:100] = (255, 0, 0)  # the tiny detector's idea of a face
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    uploads = {role: f"uploads/{JOB}/{role}" for role in ("source", "target")}
    for key in uploads.values():
        s3.put_object(Bucket=BUCKET, Key=key, Body=file.getvalue())
    swap = {"kind": Kind.FACE_SWAP, "engine": Engine.MODELS, "uploads": uploads, "params": {"consent": True}}

    refused = await invoke(container(), **swap)
    assert refused["error"]["code"] == "engine_unavailable"
    assert "buffalo-l" in refused["error"]["message"]
    assert "accept_research_licence=true" in refused["error"]["message"]
    accepted = await invoke(container(accept_research_licence=True), **swap)
    assert accepted["status"] == "completed", accepted
    assert [each["label"] for each in accepted["result"]["objects"]] == ["face"]


async def test_a_missing_torch_is_reported_with_the_install_command(
    container: Container, photo: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("containers.worker.plan_preparer.find_spec", lambda _name: None)
    outcome = await restyle(container(weights=tmp_path))  # no other test's networks
    assert outcome["error"]["code"] == "engine_unavailable"
    assert "make setup-models" in outcome["error"]["message"]


async def test_every_stage_is_logged_with_its_seconds(
    container: Container, photo: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    outcome = await restyle(container())
    lines = [vars(record) for record in caplog.records if record.message == "stage ended"]
    assert [line["stage"] for line in lines] == stages(outcome)
    for line in lines:
        assert line["seconds"] >= 0
        assert (line["kind"], line["engine"], line["job_id"]) == ("restyle_room", "models", JOB)
