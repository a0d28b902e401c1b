"""Check of the container image in ECR."""

import json
from collections.abc import Sequence

import pytest

from infra.commands.deploy.finding import Finding, Level
from infra.commands.deploy.image_check import DOCKER_MANIFEST, check_image
from infra.config import Config
from tests.infra.commands.deploy.stubbed_account import StubbedAccount

IMAGE = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/darkroom:v1"
URL = "https://layers.example/config"


def check(
    account: StubbedAccount,
    media_type: str = DOCKER_MANIFEST,
    *,
    architecture: str = "amd64",
    layers: Sequence[int] = (2_000_000_000,),
) -> Finding:
    manifest = {"config": {"digest": "sha256:c", "size": 9000}, "layers": [{"size": size} for size in layers]}
    found = {"imageManifest": json.dumps(manifest), "imageManifestMediaType": media_type}
    account.answer("ecr", "batch_get_image", {"images": [found]})
    account.answer("ecr", "get_download_url_for_layer", {"downloadUrl": URL})
    blob = json.dumps({"os": "linux", "architecture": architecture}).encode()
    return check_image(account, Config(image=IMAGE), {URL: blob}.__getitem__)


def test_a_docker_image_for_amd64_passes_and_tells_its_size(account: StubbedAccount) -> None:
    assert check(account) == Finding(Level.OK, "Docker manifest, linux/amd64, 2.0 GB compressed")


@pytest.mark.parametrize(
    "media_type", ["application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"]
)
def test_an_oci_image_is_refused_with_the_command_that_builds_another(account: StubbedAccount, media_type: str) -> None:
    found = check(account, media_type)
    assert found.level is Level.FAILED
    assert media_type in found.found
    assert f"--provenance=false --output type=docker -f containers/gpu/Dockerfile -t {IMAGE} ." in found.remedy


def test_an_image_for_arm_is_refused(account: StubbedAccount) -> None:
    found = check(account, architecture="arm64")
    assert (found.level, "linux/arm64" in found.found) == (Level.FAILED, True)


def test_a_very_large_image_is_a_warning(account: StubbedAccount) -> None:
    assert check(account, layers=(9_000_000_000, 9_000_000_000)).level is Level.WARNING


def test_an_image_of_another_region_is_refused_without_a_call(account: StubbedAccount) -> None:
    found = check_image(account, Config(image=IMAGE.replace("eu-west-1", "us-east-1")))
    assert (found.level, "us-east-1" in found.found) == (Level.FAILED, True)


def test_an_image_that_ecr_does_not_have_is_told_how_to_push_it(account: StubbedAccount) -> None:
    account.answer("ecr", "batch_get_image", {"images": [], "failures": [{"failureCode": "ImageNotFound"}]})
    assert "docker push" in check_image(account, Config(image=IMAGE)).remedy
    account.refuse("ecr", "batch_get_image", "RepositoryNotFoundException")
    assert "no repository darkroom" in check_image(account, Config(image=IMAGE)).found


@pytest.mark.parametrize(("program", "level"), [("sh", Level.OK), ("no-such-docker", Level.FAILED)])
def test_without_an_image_there_must_be_a_program_that_builds_it(
    account: StubbedAccount, monkeypatch: pytest.MonkeyPatch, program: str, level: Level
) -> None:
    monkeypatch.setenv("CDK_DOCKER", program)
    assert check_image(account, Config()).level is level
