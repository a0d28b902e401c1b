"""Fixtures of the infrastructure tests: templates synthesized once, because starting the CDK's kernel takes seconds."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.bundling import functions
from infra.bundling import studio as site
from infra.bundling.functions import ROOT
from infra.local import runtime
from infra.local.state import Login, StackState, Tables
from tests.infra.restartable_stack import RestartableStack
from tests.infra.template import Assembly, Template


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Templates of a deployment to AWS."""
    context = {"stage": "test", "alarm_email": "someone@example.com", "model_data": "s3://our-models/darkroom/v1/"}
    return synthesize(tmp_path_factory.mktemp("cloud"), context)


@pytest.fixture(scope="session")
def core(cloud: Assembly) -> Template:
    return cloud["core"]


@pytest.fixture(scope="session")
def gpu(cloud: Assembly) -> Template:
    return cloud["gpu"]


@pytest.fixture(scope="session")
def studio(cloud: Assembly) -> Template:
    return cloud["studio"]


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Template of a deployment to the emulator."""
    return synthesize(tmp_path_factory.mktemp("local"), {"stage": "test", "local": "true"})["core"]


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """For those who have an issuer and a domain already, and keep results for longer."""
    context = {
        "stage": "test",
        "issuer": "https://issuer.example/realm",
        "audience": "our-app",
        "retention_days": "90",
        "origins": "https://app.example, https://www.app.example",
        "destroy": "true",
        "studio_domain": "studio.example.com",
        "studio_certificate": "arn:aws:acm:us-east-1:111122223333:certificate/0123",
    }
    return synthesize(tmp_path_factory.mktemp("own"), context)


@pytest.fixture(scope="session")
def research(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """For those who accept the research licences, use Polly and Bedrock, and want no drafts; no weights in a bucket."""
    context = {
        "stage": "test",
        "accept_research_licence": "true",
        "speech": "polly",
        "bedrock_model": "jp.anthropic.claude-v1:0",
        "max_instances": "1",
        "gateway_log_role": "false",
        "tracing": "true",
        "drafts": "false",
    }
    return synthesize(tmp_path_factory.mktemp("research"), context)


@pytest.fixture(scope="session")
def other_issuer(own: Assembly) -> Template:
    return own["core"]


@pytest.fixture
def state() -> StackState:
    """A local stack that was deployed once."""
    return StackState(
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


@pytest.fixture(scope="session")
def only_restartable_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestartableStack]:
    restartable = RestartableStack(tmp_path_factory.mktemp("restartable") / "stack")
    yield restartable
    runtime.down(restartable.stack.folder, save=False)


@pytest.fixture
def restartable(only_restartable_stack: RestartableStack) -> RestartableStack:
    """A running stack, which tests may stop, kill and damage: one for all of them, because a new one takes longer."""
    only_restartable_stack.ensure_started()
    return only_restartable_stack


def synthesize(folder: Path, context: dict[str, str]) -> Assembly:
    """The templates of the stage ``test`` with this context, with stand-ins for the layer and the built studio."""
    from aws_cdk import Validations  # noqa: PLC0415 - only tests that need a template pay for the CDK
    from cdk_nag import AwsSolutionsChecks  # noqa: PLC0415

    from infra.app import build  # noqa: PLC0415

    layer = folder / "layer" / "python"
    layer.mkdir(parents=True)
    (layer / "stand_in.py").touch()
    page = folder / "studio"
    page.mkdir()
    (page / "index.html").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(functions, "build_layer", lambda: layer.parent)  # building the real ones needs the network
        patch.setattr(site, "build_studio", lambda: page)
        flags = json.loads((ROOT / "cdk.json").read_text())["context"]
        app = build(context=flags | context, outdir=folder / "cdk.out")
    if "local" not in context:
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    findings: list[str] = []
    try:
        app.synth()
    except RuntimeError:
        report = json.loads((folder / "cdk.out" / "validation-report.json").read_text())
        findings = [
            f"{violation['ruleName']}: {construct['constructPath']}"
            for plugin in report["pluginReports"]
            for violation in plugin["violations"]
            for construct in violation["violatingConstructs"]
        ]
    return Assembly(folder / "cdk.out", findings)
