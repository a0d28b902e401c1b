"""Fixtures of the client tests: the fake service, a photo, and a separate working directory per test."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from darkroom import Client
from darkroom.client import local_stack as local_module
from darkroom.client import network as network_module
from darkroom.client.job_watcher import Pace
from darkroom.client.local_stack import StackState
from infra.commands import stack as stack_module
from tests.darkroom.driven_client import MakeClient, blocking_client, driven_async_client
from tests.darkroom.fake_service import TOKEN, Service
from tests.darkroom.stub_runtime import RUNTIME, state_of


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Retries wait for nothing here."""
    monkeypatch.setattr(network_module, "backoff_seconds", lambda _number, **_limits: 0.0)
    with Service().running() as service:
        yield service


@pytest.fixture(params=[blocking_client, driven_async_client], ids=["Client", "AsyncClient"])
def make_client(request: pytest.FixtureRequest) -> MakeClient:
    """Makes clients of either kind, one kind in each run of a test."""
    chosen: MakeClient = request.param
    return chosen


@pytest.fixture
def client(service: Service, make_client: MakeClient) -> Iterator[Client]:
    with make_client(service.url, TOKEN, pace=Pace(poll=0.01, first_reconnect=0.01)) as client:
        yield client


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DARKROOM_ENDPOINT", "DARKROOM_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A JPEG beside, not in, the working directory."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "#a08060").save(buffer, "JPEG")
    path = tmp_path / "room.jpg"
    path.write_bytes(buffer.getvalue())
    return path


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    class Token:
        def token(self) -> str:
            return TOKEN

        def forget(self) -> bool:
            return False

    monkeypatch.setattr(StackState, "token", lambda _stack: Token())


@pytest.fixture
def runtime(tmp_path: Path, folder: Path, service: Service, monkeypatch: pytest.MonkeyPatch, signed_in: None) -> Path:
    """Replaces ``python -m infra.local``: gives the file where its calls are written."""
    script = tmp_path / "runtime.py"
    script.write_text(RUNTIME)
    for module in (local_module, stack_module):
        monkeypatch.setattr(module, "command", lambda *words: [sys.executable, str(script), *words])
    (folder / "template.json").write_text(state_of(service))
    return folder / "calls.txt"
