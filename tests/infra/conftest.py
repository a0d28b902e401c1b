"""The synthesized templates: once for all tests, because starting the CDK's kernel costs seconds."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra import source
from infra.local.state import Login, State, Tables
from infra.source import ROOT
from tests.infra.template import Template


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    """What goes to AWS, with cdk-nag's report; ``core`` and ``gpu``."""
    context = {"stage": "test", "alarm_email": "someone@example.com", "model_data": "s3://our-models/darkroom/v1/"}
    return _synthesize(tmp_path_factory.mktemp("cloud"), context)


@pytest.fixture(scope="session")
def core(cloud: dict[str, Template]) -> Template:
    return cloud["core"]


@pytest.fixture(scope="session")
def gpu(cloud: dict[str, Template]) -> Template:
    return cloud["gpu"]


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """What goes to the emulator."""
    return _synthesize(tmp_path_factory.mktemp("local"), {"stage": "test", "local": "true"})["core"]


@pytest.fixture(scope="session")
def other_issuer(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """For those who have an issuer already, and keep results for longer."""
    context = {
        "stage": "test",
        "issuer": "https://issuer.example",
        "audience": "our-app",
        "retention_days": "90",
        "origins": "https://app.example, https://www.app.example",
        "destroy": "true",
    }
    return _synthesize(tmp_path_factory.mktemp("issuer"), context)["core"]


@pytest.fixture
def state() -> State:
    """A local stack that was deployed once."""
    return State(
        digest="d",
        port=4599,
        endpoint="http://127.0.0.1:1/api",
        socket="ws://127.0.0.1:1/live",
        endpoint_control="http://127.0.0.1:1",
        issuer="https://issuer",
        pool_id="pool",
        auth=Login(url="http://127.0.0.1:1", client_id="client", username="local", password="secret"),
        bucket="b",
        tables=Tables(jobs="j", sockets="s", ledger="l", assets="a"),
        queue="q",
        uploads_queue="u",
        dlq="d",
        success_topic="s",
        error_topic="e",
        container_role="r",
        event_bus="b",
        endpoint_name="darkroom-local",
        functions={},
    )


def _synthesize(folder: Path, context: dict[str, Any]) -> dict[str, Template]:
    from infra.app import build  # noqa: PLC0415 - only tests that need a template pay for the CDK

    layer = folder / "layer" / "python"
    layer.mkdir(parents=True)
    (layer / "stand_in.py").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "layer", lambda: layer.parent)  # building the real one needs the network
        flags = json.loads((ROOT / "cdk.json").read_text())["context"]
        app = build(context=flags | context, outdir=folder / "cdk.out")
    app.synth()
    return {
        "gpu" if path.name.endswith("-gpu.template.json") else "core": Template.read(path)
        for path in (folder / "cdk.out").glob("*.template.json")
    }
