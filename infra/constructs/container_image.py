"""Container image: built by the CDK at a deployment, in the only form that SageMaker and Lambda take."""

from collections.abc import Mapping

from aws_cdk import IgnoreMode
from aws_cdk.aws_ecr_assets import DockerImageAsset, Platform
from constructs import Construct

from infra.bundling.functions import ROOT


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
