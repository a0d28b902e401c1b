"""Fixtures: the container with the models engine and tiny weights, and a photo in the bucket."""

import io
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
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
from darkroom.contract.kinds import Kind
from pipeline.core.networks import NetworkProvider
from pipeline.core.runner import Runner
from pipeline.core.stage_cache import StageCache
from pipeline.core.stages import Plan
from pipeline.models.stages import scores
from pipeline.plans import get_plan
from tests.containers.conftest import BUCKET, JOB
from tests.paths import SAMPLES

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


SAMPLE = SAMPLES / "living_room.jpg"
Container = Callable[..., httpx2.AsyncClient]


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


@pytest.fixture(scope="session")
def networks_of() -> Callable[[Settings], NetworkProvider]:
    """Returns the networks of containers with equal settings, which are loaded once: that takes longer than a job."""
    providers: dict[str, NetworkProvider] = {}

    def provider(settings: Settings) -> NetworkProvider:
        key = repr(settings)
        if key not in providers:
            providers[key] = create_network_provider(settings)
        return providers[key]

    return provider


@pytest.fixture
async def container(
    store: JobStore, s3: "S3Client", tiny_weights: Path, networks_of: Callable[[Settings], NetworkProvider]
) -> AsyncIterator[Container]:
    clients: list[httpx2.AsyncClient] = []

    def make(**settings: Any) -> httpx2.AsyncClient:
        given = {"weights": tiny_weights, "device": "cpu", "long_side": 128, **settings}
        chosen = Settings(
            jobs_table="jobs",
            ledger_table="ledger",
            bucket=BUCKET,
            heartbeat_seconds=0.02,
            progress_seconds=0.01,
            **given,
        )
        engines = PlanPreparer(plan_for, partial(networks_of, chosen))
        worker = Worker(chosen, store, Storage(BUCKET, s3), Runner(cache=StageCache()), engines)
        transport = httpx2.ASGITransport(make_app(InvocationRunner(worker, chosen.concurrency)))
        clients.append(httpx2.AsyncClient(transport=transport, base_url="http://container"))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture(autouse=True)
def one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable the retry, as pictures by random weights always score low."""
    monkeypatch.setattr(scores, "RETRY_BELOW", 0.0)
