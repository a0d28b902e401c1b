"""Models engine in the container over HTTP: the real plan, tiny weights in the real layouts."""

import io
import json
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from PIL import Image

from cloud.dynamodb.job_store import JobStore
from containers.gpu.server import InvocationRunner, make_app
from containers.worker.plan_preparer import PlanPreparer, create_network_provider
from containers.worker.settings import Settings
from containers.worker.storage import Storage
from containers.worker.worker import Worker
from darkroom.contract.engine import Engine
from darkroom.contract.jobs import Job, State
from darkroom.contract.requests import Kind
from pipeline.core.runner import Runner
from pipeline.core.stage_cache import StageCache
from pipeline.core.stages import Plan
from pipeline.models.stages import scores
from pipeline.plans import get_plan
from tests.containers.conftest import BUCKET, JOB, PARAMS, cancel, invoke

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SAMPLE = Path(__file__).parents[2] / "infra" / "commands" / "samples" / "living_room.jpg"
SEEN_ONCE = ("detect", "segment", "classify", "depth", "edges")
Container = Callable[..., httpx.AsyncClient]


def plan_for(kind: Kind, engine: Engine, allow_preview: bool) -> Plan:
    return get_plan(kind, engine, allow_preview=allow_preview)


@pytest.fixture
def photo(s3: "S3Client") -> np.ndarray:
    """The sample photo, small and of an odd size, as the job's upload: 131×201×3 uint8."""
    with Image.open(SAMPLE) as image:
        small = image.convert("RGB").resize((201, 131))
    file = io.BytesIO()
    small.save(file, "PNG")
    s3.put_object(Bucket=BUCKET, Key=f"uploads/{JOB}/photo", Body=file.getvalue())
    return np.asarray(small)


@pytest.fixture
async def container(store: JobStore, s3: "S3Client", tiny_weights: Path) -> AsyncIterator[Container]:
    clients: list[httpx.AsyncClient] = []

    def make(**settings: Any) -> httpx.AsyncClient:
        given = {"weights": tiny_weights, "device": "cpu", "long_side": 128, **settings}
        chosen = Settings(
            jobs_table="jobs",
            ledger_table="ledger",
            bucket=BUCKET,
            heartbeat_seconds=0.02,
            progress_seconds=0.01,
            **given,
        )
        engines = PlanPreparer(plan_for, partial(create_network_provider, chosen))
        worker = Worker(chosen, store, Storage(BUCKET, s3), Runner(cache=StageCache()), engines)
        transport = httpx.ASGITransport(make_app(InvocationRunner(worker, chosen.concurrency)))
        clients.append(httpx.AsyncClient(transport=transport, base_url="http://container"))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture(autouse=True)
def one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures by random weights are always poor: do not paint each of them twice."""
    monkeypatch.setattr(scores, "RETRY_BELOW", 0.0)


async def restyle(client: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    return await invoke(client, engine=Engine.MODELS, params={**PARAMS, "steps": 3, "format": "png", **params})


def picture(s3: "S3Client", outcome: dict[str, Any]) -> np.ndarray:
    assert outcome["status"] == "completed", outcome
    result = next(each for each in outcome["result"]["pictures"] if each["name"] == "result")
    with Image.open(io.BytesIO(s3.get_object(Bucket=BUCKET, Key=result["key"])["Body"].read())) as image:
        return np.asarray(image.convert("RGB"))


def stages(outcome: dict[str, Any]) -> list[str]:
    return [time["stage"] for time in outcome["timeline"]]


def looks(s3: "S3Client") -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix="previews/").get("Contents", [])]


@pytest.mark.parametrize("profile", ["fast", "quality"])
async def test_a_photo_goes_through_every_stage_and_the_result_says_what_was_seen_and_used(
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


async def test_the_same_seed_makes_the_same_picture_and_another_seed_another(
    container: Container, s3: "S3Client", photo: np.ndarray
) -> None:
    client = container()
    first, again, other = [picture(s3, await restyle(client, seed=seed)) for seed in (7, 7, 8)]
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


async def test_a_second_style_of_one_photo_skips_what_is_known_of_it(container: Container, photo: np.ndarray) -> None:
    client = container()
    await restyle(client, style="modern")
    second = await restyle(client, style="boho", keep=["sofa"])
    assert {time["stage"] for time in second["timeline"] if time["cached"]} == set(SEEN_ONCE)
    named = {model["id"] for model in second["result"]["models"]}
    assert "sam2.1-tiny" in named


async def test_what_is_kept_comes_back_to_the_bit(container: Container, s3: "S3Client", photo: np.ndarray) -> None:
    # The tiny detector sees couches, plants and people all over any photo.
    outcome = await restyle(container(), keep=["sofa", "plant"], keep_people=True)
    kept = [each for each in outcome["result"]["objects"] if each["kept"]]
    assert kept
    same = (picture(s3, outcome) == photo).all(axis=2)
    assert same.mean() >= 0.9 * max(each["area"] for each in kept)
    assert not same.all()


async def test_looks_at_the_picture_come_while_it_is_made(
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
    look = shown[-1].preview
    assert look is not None
    assert look.url == f"https://bucket/{look.key}"
    body = s3.get_object(Bucket=BUCKET, Key=look.key)["Body"].read()
    with Image.open(io.BytesIO(body)) as image:
        assert image.size == (look.width, look.height)


async def test_a_cancelled_job_stops_within_a_step_and_leaves_nothing(
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
            heard.wait(30)
        return forward(self, *args, **kwargs)

    heard = threading.Event()
    get = JobStore.get

    def tell(self: JobStore, job_id: str) -> Any:
        record = get(self, job_id)
        if record is not None and record.state is State.CANCELLED:
            threading.Timer(0.05, heard.set).start()  # once the writer has taken it in
        return record

    monkeypatch.setattr(JobStore, "get", tell)
    monkeypatch.setattr(UNet2DConditionModel, "forward", count)
    outcome = await restyle(container(), steps=30)
    assert outcome["status"] == "abandoned"
    assert steps <= 3
    assert not s3.list_objects_v2(Bucket=BUCKET, Prefix="results/").get("Contents")


@pytest.mark.parametrize("times", [1, 2])
async def test_memory_that_runs_out_halves_the_picture_once_and_the_container_stays_healthy(
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


async def test_what_must_not_be_shown_is_refused_and_its_looks_deleted(
    container: Container, s3: "S3Client", photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.models.networks.safety import ClipSafetyChecker  # noqa: PLC0415 - seconds that only these tests need

    monkeypatch.setattr(ClipSafetyChecker, "unsafe", lambda *_: True)
    outcome = await restyle(container(), steps=4)
    assert (outcome["status"], outcome["error"]["code"]) == ("failed", "rejected_content")
    assert not outcome["error"]["retryable"]
    assert not s3.list_objects_v2(Bucket=BUCKET, Prefix="results/").get("Contents")
    assert not looks(s3)


async def test_looks_at_pictures_that_were_left_out_are_deleted(
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
    assert not looks(s3)


async def test_weights_that_are_not_there_are_one_line_that_says_how_to_get_them(
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


async def test_faces_are_swapped_by_networks_only_where_the_operator_accepts_their_licence(
    container: Container, s3: "S3Client"
) -> None:
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


async def test_a_machine_without_torch_says_what_to_install(
    container: Container, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("containers.worker.plan_preparer.find_spec", lambda _name: None)
    outcome = await restyle(container())
    assert outcome["error"]["code"] == "engine_unavailable"
    assert "make setup-models" in outcome["error"]["message"]


async def test_every_stage_is_a_metric_in_cloudwatchs_format(
    container: Container, photo: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = await restyle(container())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert [line["stage"] for line in lines] == stages(outcome)
    for line in lines:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Darkroom"
        assert directive["Dimensions"] == [["kind", "engine", "stage"]]
        assert directive["Metrics"] == [{"Name": "StageSeconds", "Unit": "Seconds"}]
        assert line["StageSeconds"][0] >= 0
        assert (line["kind"], line["engine"], line["job_id"]) == ("restyle_room", "models", JOB)
