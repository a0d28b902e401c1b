"""Checks of the models in S3, with S3 inside this process."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from darkroom.contract.engine import Engine
from infra.commands.deploy.account import AwsAccount
from infra.commands.deploy.finding import Level
from infra.commands.deploy.weights_checks import check_model_bucket, check_weights, needed_models
from infra.commands.model_bucket import S3Destination
from infra.commands.models_push import push
from infra.config import Config
from pipeline.weights.store import WeightStore
from tests.fake_aws import fake_aws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DATA = "s3://weights/models/v1/"
CONFIG = Config(model_data=DATA)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsAccount]:
    """Account in eu-west-1 with an empty bucket there."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with fake_aws():
        session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-west-1")
        account = AwsAccount(session, "111122223333", "arn")
        location = {"LocationConstraint": "eu-west-1"}
        account.client("s3").create_bucket(Bucket="weights", CreateBucketConfiguration=location)
        yield account


@pytest.fixture
def s3(aws: AwsAccount) -> "S3Client":
    client: S3Client = aws.client("s3")
    return client


@pytest.fixture
def store(tmp_path: Path) -> WeightStore:
    """With every model that the default configuration chooses."""
    store = WeightStore(tmp_path / "weights")
    for model in needed_models(CONFIG):
        for path in model.files:
            file = store.folder / model.id / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(f"{model.id} {path}".encode())
        store.record(model, model.revision)
    return store


def push_all(store: WeightStore, s3: "S3Client", *left_out: str) -> None:
    push(store, [each for each in needed_models(CONFIG) if each.id not in left_out], S3Destination.parse(DATA), s3)


def test_models_that_were_pushed_whole_pass(aws: AwsAccount, s3: "S3Client", store: WeightStore) -> None:
    push_all(store, s3)
    found = check_weights(aws, CONFIG)
    assert found.level is Level.OK, found
    assert f"{len(needed_models(CONFIG))} models in {DATA}" in found.found


def test_a_push_that_was_cut_off_has_no_manifest_and_fails(aws: AwsAccount) -> None:
    found = check_weights(aws, CONFIG)
    assert found.level is Level.FAILED
    assert found.remedy == f"Run `darkroom models push {DATA}`."


def test_a_missing_and_an_altered_file_fail_and_are_named(aws: AwsAccount, s3: "S3Client", store: WeightStore) -> None:
    push_all(store, s3)
    model = needed_models(CONFIG)[0]
    key = f"models/v1/{model.id}/{model.files[0]}"
    size = s3.head_object(Bucket="weights", Key=key)["ContentLength"]
    s3.put_object(Bucket="weights", Key=key, Body=b"x" * size)
    found = check_weights(aws, CONFIG)
    assert (found.level, found.found) == (
        Level.FAILED,
        f"{model.id}/{model.files[0]} has another digest than the manifest",
    )
    s3.delete_object(Bucket="weights", Key=key)
    assert "is missing" in check_weights(aws, CONFIG).found


def test_a_model_that_was_not_pushed_is_a_warning_that_names_its_kinds(
    aws: AwsAccount, s3: "S3Client", store: WeightStore
) -> None:
    push_all(store, s3, "depth-anything-v2-small")
    found = check_weights(aws, CONFIG)
    assert found.level is Level.WARNING
    assert "depth-anything-v2-small" in found.found
    assert "restyle_room" in found.found


def test_the_models_engine_by_default_needs_weights(aws: AwsAccount) -> None:
    assert check_weights(aws, Config(default_engine=Engine.MODELS)).level is Level.FAILED
    assert check_weights(aws, Config()).level is Level.OK


def test_the_bucket_must_be_in_the_region_of_the_deployment(aws: AwsAccount, s3: "S3Client") -> None:
    assert check_model_bucket(aws, CONFIG).level is Level.OK
    abroad = boto3.client(
        "s3", aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-central-1"
    )
    abroad.create_bucket(Bucket="abroad", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    found = check_model_bucket(aws, Config(model_data="s3://abroad/models/"))
    assert (found.level, "eu-central-1" in found.found) == (Level.FAILED, True)


def test_a_key_of_the_customers_is_a_warning(aws: AwsAccount, s3: "S3Client") -> None:
    rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:aws:kms:eu-west-1:111122223333:key/0-1"}
    s3.put_bucket_encryption(
        Bucket="weights",
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": rule}]},  # type: ignore[list-item]
    )
    found = check_model_bucket(aws, CONFIG)
    assert (found.level, "key/0-1" in found.found) == (Level.WARNING, True)
