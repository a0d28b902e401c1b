"""Container image: one in ECR, or one that the CDK builds in the only form that SageMaker and Lambda take."""

import re
from collections.abc import Mapping

from aws_cdk import IgnoreMode, Stack
from aws_cdk.aws_ecr_assets import DockerImageAsset, Platform
from constructs import Construct

from infra.bundling.functions import ROOT
from infra.config import ConfigError
from infra.names import ECR_IMAGE


def image_in_ecr(scope: Construct, key: str, uri: str) -> tuple[re.Match[str], str]:
    """Return the parts of the URI that the context has at ``key``, and the ARN of its repository.

    Raises ``ConfigError`` for anything else.
    """
    match = ECR_IMAGE.fullmatch(uri)
    if match is None:
        raise ConfigError(f"context {key}: {uri!r} is not ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG")
    repository = Stack.of(scope).format_arn(
        service="ecr",
        account=match["account"],
        region=match["region"],
        resource="repository",
        resource_name=match["name"],
    )
    return match, repository


def container_image(
    scope: Construct, name: str, dockerfile: str, *, platform: str, build_args: Mapping[str, str] | None = None
) -> DockerImageAsset:
    """Return the image of a Dockerfile for one platform, with the files that its ``.dockerignore`` leaves in.

    SageMaker and Lambda accept Docker's manifests only; a current Docker pushes OCI's, with attestations.
    """
    ignored = (ROOT / f"{dockerfile}.dockerignore").read_text().splitlines()
    return DockerImageAsset(
        scope,
        name,
        directory=str(ROOT),
        file=dockerfile,
        platform=Platform.custom(platform),
        outputs=["type=docker"],
        build_args=dict(build_args) if build_args else None,
        exclude=[line for line in ignored if line and not line.startswith("#")],
        ignore_mode=IgnoreMode.DOCKER,
    )
