"""Checks of the models in S3: the bucket's region and key, and each file's size and digest by the manifest."""

from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from darkroom.contract.engine import Engine
from infra.commands.deploy.account import AwsAccount
from infra.commands.deploy.finding import Finding, Level
from infra.commands.model_bucket import S3Destination, find_object, read_manifest
from infra.config import Config
from pipeline.weights.catalog import Model, choose_models, default_models
from pipeline.weights.store import MANIFEST, Manifest

NO_MODELS = Finding(Level.OK, "no model_data: the models engine has no weights")


def needed_models(config: Config) -> tuple[Model, ...]:
    """Return the models that the configuration chooses, one for each role."""
    defaults = default_models(research=config.accept_research_licence)
    return choose_models(tuple(dict.fromkeys(model.role for model in defaults)), config.models)


def check_model_bucket(account: AwsAccount, config: Config) -> Finding:
    """Compare the bucket's region with the deployment's, and look for a key that the container may not use."""
    if config.model_data is None:
        return NO_MODELS
    bucket = S3Destination.parse(config.model_data).bucket
    s3 = account.client("s3")
    region = s3.get_bucket_location(Bucket=bucket).get("LocationConstraint") or "us-east-1"
    region = "eu-west-1" if region == "EU" else region
    if region != account.region:
        remedy = f"Push the models to a bucket in {account.region}: SageMaker reads from its own region."
        return Finding(Level.FAILED, f"the bucket {bucket} is in {region}, the deployment in {account.region}", remedy)
    key = _customer_key(s3, bucket)
    if key is not None and not _names_key(config, key):
        remedy = (
            "Let the container's role decrypt with it: context key model_data_key, and the key's policy. The role is "
            "the core stack's output ContainerRole."
        )
        return Finding(Level.WARNING, f"the bucket {bucket} is encrypted with the key {key}", remedy)
    return Finding(Level.OK, f"the bucket {bucket} is in {region}, encrypted with {key or 'a key of S3'}")


def _names_key(config: Config, key: str) -> bool:
    """Return True if the configuration lets the container's role decrypt with the key."""
    given = config.model_data_key
    return given is not None and given.rpartition("/")[2] == key.rpartition("/")[2]


def _customer_key(s3: Any, bucket: str) -> str | None:
    try:
        found = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ServerSideEncryptionConfigurationNotFoundError":
            raise
        return None
    for rule in found["Rules"]:
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        key: str | None = default.get("KMSMasterKeyID")
        if key is not None and not key.endswith("alias/aws/s3"):
            return key
    return None


def check_weights(account: AwsAccount, config: Config) -> Finding:
    """Compare the files in S3 with the manifest that ``darkroom models push`` writes last, and with the catalogue."""
    if config.model_data is None:
        if config.default_engine is Engine.MODELS:
            remedy = "Run `darkroom models push s3://BUCKET/PREFIX` and give what it prints as `model_data`."
            return Finding(Level.FAILED, "default_engine is models, but there is no model_data", remedy)
        return NO_MODELS
    target = S3Destination.parse(config.model_data)
    push = f"Run `darkroom models push {config.model_data}`."
    s3 = account.client("s3")
    manifest = read_manifest(s3, target)
    if manifest is None:
        return Finding(
            Level.FAILED, f"{target} has no readable {MANIFEST}: the models were not pushed, or in part", push
        )
    models = needed_models(config)
    pushed = [model for model in models if model.id in manifest.models]
    problems = [problem for model in pushed for problem in _problems(s3, target, model, manifest)]
    if problems:
        found = f"{problems[0]}{f', and {len(problems) - 1} more files' if len(problems) > 1 else ''}"
        return Finding(Level.FAILED, found, f"{push} An instance refuses models that are not whole.")
    if absent := [model for model in models if model not in pushed]:
        kinds = sorted({str(kind) for model in absent for kind in model.kinds})
        found = (
            f"not pushed: {', '.join(model.id for model in absent)}, which {', '.join(kinds)} use on the models engine"
        )
        return Finding(
            Level.WARNING, found, f"Run `darkroom models fetch {absent[0].id}` and then push, or do without."
        )
    return Finding(Level.OK, f"{len(pushed)} models in {target}, each file with its size and digest")


def _problems(s3: Any, target: S3Destination, model: Model, manifest: Manifest) -> Iterable[str]:
    """Yield what is wrong with a model's files: absent from manifest or bucket, of another size or digest."""
    files = manifest.models[model.id].files
    for path in model.files:
        name = f"{model.id}/{path}"
        if path not in files:
            yield f"{name} is not in the manifest"
            continue
        head = find_object(s3, target.bucket, target.prefix + name)
        if head is None:
            yield f"{name} is missing"
        elif head["ContentLength"] != files[path].size:
            yield f"{name} has {head['ContentLength']} bytes instead of {files[path].size}"
        elif head["Metadata"].get("sha256") != files[path].sha256:
            yield f"{name} has another digest than the manifest"
