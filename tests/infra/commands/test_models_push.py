"""Upload of models to S3, with S3 inside this process."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from typer.testing import CliRunner

from darkroom.client import environment_proxy
from darkroom.contract.errors import DarkroomError
from infra.commands.model_bucket import S3Destination
from infra.commands.models_push import app, push
from pipeline.weights.catalog import Model, catalog
from pipeline.weights.store import Manifest, WeightStore
from tests.fake_aws import fake_aws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TARGET = S3Destination.parse("s3://weights/models/v1")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator["S3Client"]:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with fake_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="weights")
        yield client


@pytest.fixture
def shelf(tmp_path: Path) -> WeightStore:
    """With two models of the catalogue."""
    shelf = WeightStore(tmp_path / "weights")
    for model in (catalog()["control-depth"], catalog()["safety-checker"]):
        for path in model.files:
            file = shelf.folder / model.id / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(f"{model.id} {path}".encode() * 100)
        shelf.record(model, model.revision)
    return shelf


def models(*ids: str) -> list[Model]:
    return [catalog()[each] for each in ids]


def keys(s3: "S3Client") -> dict[str, str]:
    """Key → ETag of all that is there."""
    return {each["Key"]: each["ETag"] for each in s3.list_objects_v2(Bucket="weights").get("Contents", [])}


def download(s3: "S3Client", folder: Path) -> None:
    """As SageMaker does: each object by its key after the prefix."""
    for key in keys(s3):
        file = folder / key.removeprefix(TARGET.prefix)
        file.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file("weights", key, str(file))


def test_a_pushed_prefix_is_a_valid_weight_store(s3: "S3Client", shelf: WeightStore, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    sent = push(shelf, models("control-depth", "safety-checker"), TARGET, s3, lambda *both: seen.append(both))
    assert sent > 0
    assert seen[-1] == (sent, sent)
    download(s3, tmp_path / "opt-ml-model")
    there = WeightStore(tmp_path / "opt-ml-model")
    for model in models("control-depth", "safety-checker"):
        assert there.open(model).revision == model.revision
        assert there.digest(model) == shelf.digest(model)


def test_only_missing_and_different_files_are_uploaded(s3: "S3Client", shelf: WeightStore) -> None:
    push(shelf, models("control-depth"), TARGET, s3)
    assert push(shelf, models("control-depth"), TARGET, s3) == 0
    s3.put_object(Bucket="weights", Key="models/v1/control-depth/config.json", Body=b"other")
    size = (shelf.folder / "control-depth/config.json").stat().st_size
    assert push(shelf, models("control-depth"), TARGET, s3) == size
    assert push(shelf, models("control-depth"), TARGET, s3) == 0


def test_models_pushed_one_after_another_share_the_manifest(s3: "S3Client", shelf: WeightStore) -> None:
    push(shelf, models("control-depth"), TARGET, s3)
    push(shelf, models("safety-checker"), TARGET, s3)
    body = s3.get_object(Bucket="weights", Key="models/v1/manifest.json")["Body"].read()
    assert set(Manifest.model_validate_json(body).models) == {"control-depth", "safety-checker"}


def test_only_the_models_asked_for_are_pushed(s3: "S3Client", shelf: WeightStore) -> None:
    push(shelf, models("control-depth"), TARGET, s3)
    body = s3.get_object(Bucket="weights", Key="models/v1/manifest.json")["Body"].read()
    assert set(json.loads(body)["models"]) == {"control-depth"}
    assert set(keys(s3)) == {
        "models/v1/manifest.json",
        *(f"models/v1/control-depth/{path}" for path in catalog()["control-depth"].files),
    }


def test_nothing_is_uploaded_from_a_damaged_weight_store(s3: "S3Client", shelf: WeightStore) -> None:
    (shelf.folder / "safety-checker/safety_checker/config.json").write_bytes(b"altered")
    with pytest.raises(DarkroomError, match="darkroom models fetch safety-checker"):
        push(shelf, models("control-depth", "safety-checker"), TARGET, s3)
    assert keys(s3) == {}


@pytest.mark.parametrize(
    "uri", ["s3://weights", "s3://weights/", "s3:///models", "https://weights/models", "weights/m"]
)
def test_a_target_needs_a_bucket_and_a_prefix(uri: str) -> None:
    with pytest.raises(ValueError, match="s3://BUCKET/PREFIX"):
        S3Destination.parse(uri)


def test_a_prefix_ends_with_one_slash() -> None:
    assert str(TARGET) == str(S3Destination.parse("s3://weights/models/v1/")) == "s3://weights/models/v1/"


def test_the_command_prints_the_prefix_and_reports_errors(s3: "S3Client", shelf: WeightStore, tmp_path: Path) -> None:
    def call(*words: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, [*words])
        return done.exit_code, done.stdout, done.stderr

    folder = ("--weights", str(shelf.folder))
    assert call("s3://weights/models", *folder)[:2] == (0, "s3://weights/models/\n")
    code, _, text = call("s3://elsewhere/models", *folder)
    assert code == 1
    assert "bucket does not exist" in text.lower() or "not found" in text.lower()
    code, _, text = call("s3://weights/models", "--weights", str(tmp_path / "none"))
    assert code == 1
    assert "darkroom models fetch" in text
    assert call("s3://weights/models", "nobody", *folder)[0] == 2
    code, _, text = call("s3://weights/models", "sd15", *folder)
    assert code == 1
    assert "sd15 was never fetched" in text


def test_a_bucket_of_another_region_is_refused_before_anything_is_sent(
    s3: "S3Client", shelf: WeightStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    words = ["s3://far/models", "--weights", str(shelf.folder)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    said = " ".join(result.stderr.replace("│", " ").split())
    assert "the bucket 'far' is in eu-west-1, and your region is us-east-1" in said
    assert "AWS_DEFAULT_REGION=eu-west-1" in said
    assert "Contents" not in s3.list_objects_v2(Bucket="far")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert CliRunner().invoke(app, words).exit_code == 0


@pytest.mark.parametrize("proxy", ["socks5://ann:hunter2@127.0.0.1:9", "socks://127.0.0.1:9", "http://ann:hunter2:x"])
def test_a_proxy_that_cannot_be_used_is_wrong_usage_and_not_quoted(
    s3: "S3Client", shelf: WeightStore, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setattr(environment_proxy, "find_spec", lambda _name: None)  # socksio is not installed
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    result = CliRunner().invoke(app, ["s3://weights/models/v1", "--weights", str(shelf.folder)])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: HTTPS_PROXY ")
    assert "hunter2" not in result.stderr
    assert keys(s3) == {}


def test_an_endpoint_on_this_machine_is_reached_without_a_proxy(
    shelf: WeightStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens there: the error names the endpoint, not the proxy."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "socks://127.0.0.1:9")
    result = CliRunner().invoke(app, ["s3://weights/models/v1", "--weights", str(shelf.folder)])
    assert result.exit_code == 1
    assert "Could not connect to the endpoint URL" in result.stderr
