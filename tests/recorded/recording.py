"""Recording, run by pytest for its fixtures: each function writes one part. Start it by the command."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from mypy_boto3_s3 import S3Client

from tests.infra.conftest import cloud, core, gpu, local, own, studio, synthesize
from tests.infra.template import Assembly, Template
from tests.recorded import archive, files, scenarios, surfaces, templates
from tests.recorded import local as local_state
from tests.recorded.container import Container
from tests.recorded.fake_deployment import FakeDeployment, OutcomeOf

__all__ = ["cloud", "core", "gpu", "local", "own", "studio"]
ROOT = Path(__file__).parents[2]


def test_record_scenarios(
    make_deployment: Callable[[OutcomeOf], FakeDeployment], bucket: S3Client, tiny_weights: Path, tmp_path: Path
) -> None:
    container = Container(bucket, tiny_weights, tmp_path)
    deployment = make_deployment(scenarios.container_outcomes(container.outcome))
    files.write(files.target(), scenarios.run(deployment))
    invocation = deployment.files["invocations/upscale-preview"]["invocation"]["body"]
    in_time = {**invocation, "deadline": "2027-01-01T00:00:00Z"}
    answers = asyncio.run(container.answers(in_time))
    objects = scenarios.objects(deployment)
    files.write(files.target(), {"outcomes/http_answers": answers, "storage/objects": objects})


def test_record_surfaces() -> None:
    files.write(files.target(), surfaces.record())


def test_record_local(tmp_path: Path) -> None:
    files.write(files.target(), local_state.record(tmp_path / "stack"))


def test_record_container_source() -> None:
    archive.write(files.target() / archive.NAME)


@pytest.mark.parametrize("name", templates.CONTEXTS)
def test_record_templates_of_a_context(name: str, tmp_path: Path) -> None:
    files.write(files.target(), templates.files(name, synthesize(tmp_path, templates.CONTEXTS[name])))


def test_record_templates_of_fixtures(cloud: Assembly, own: Assembly, local: Template) -> None:
    files.write(files.target(), {**templates.files("cloud", cloud), **templates.files("own", own)})
    files.write(files.target(), {"templates/local/core": templates.normalised(local.content)})
    flags = json.loads((ROOT / "cdk.json").read_text())["context"]
    files.write(files.target(), {"templates/contexts": {"contexts": templates.CONTEXTS, "flags": flags}})
