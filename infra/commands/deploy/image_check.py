"""Check of the container image: manifest type, platform and size in ECR, or a program that builds it."""

import json
import os
import shutil
from collections.abc import Callable
from typing import Any

import httpx2

from darkroom.client.http_clients import http_client
from infra.commands.deploy.account import AwsAccount
from infra.commands.deploy.finding import Finding, Level
from infra.config import Config
from infra.names import ECR_IMAGE

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MANIFESTS = (
    DOCKER_MANIFEST,
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
PLATFORM = "linux/amd64"
LARGE_GIGABYTES = 15
BUILD = (
    "docker buildx build --platform linux/amd64 --provenance=false --output type=docker "
    "-f containers/gpu/Dockerfile -t {image} . && docker push {image}"
)

Fetch = Callable[[str], bytes]


def fetch(url: str) -> bytes:
    """Return the content of a presigned address. Raises httpx2's errors."""
    with http_client(timeout=30, follow_redirects=True) as http:
        return http.get(url).raise_for_status().content


def check_image(account: AwsAccount, config: Config, fetch_blob: Fetch = fetch) -> Finding:
    """Look at the image that the endpoint will run, without pulling it."""
    if config.image is None:
        return _check_builder()
    match = ECR_IMAGE.fullmatch(config.image)
    if match is None:
        remedy = "Give ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG, or leave out `image`."
        return Finding(Level.FAILED, f"{config.image} is no image in ECR", remedy)
    if match["region"] != account.region:
        remedy = f"Push the image to {account.region}: SageMaker pulls from its own region."
        return Finding(Level.FAILED, f"the image is in {match['region']}, the deployment in {account.region}", remedy)
    command = f"Build and push it: `{BUILD.format(image=config.image)}`."
    ecr = account.client("ecr")
    where = {"registryId": match["account"], "repositoryName": match["name"]}
    reference = "imageDigest" if match["reference"].startswith("sha256:") else "imageTag"
    try:
        answer = ecr.batch_get_image(
            **where, imageIds=[{reference: match["reference"]}], acceptedMediaTypes=list(MANIFESTS)
        )
    except ecr.exceptions.RepositoryNotFoundException:
        return Finding(Level.FAILED, f"ECR has no repository {match['name']}", f"Create it. {command}")
    if not answer["images"]:
        return Finding(Level.FAILED, f"ECR has no image {config.image}", command)
    manifest = json.loads(answer["images"][0]["imageManifest"])
    media_type = answer["images"][0].get("imageManifestMediaType") or manifest.get("mediaType", "unknown")
    if media_type != DOCKER_MANIFEST:
        found = f"the image's manifest is {media_type}, which SageMaker's CreateModel refuses"
        return Finding(Level.FAILED, found, command)
    try:
        platform = _platform(ecr, where, manifest, fetch_blob)
    except (httpx2.HTTPError, ValueError) as error:
        return Finding(Level.UNKNOWN, f"the image's platform cannot be read: {error}", "Check again.")
    if platform != PLATFORM:
        return Finding(Level.FAILED, f"the image is for {platform}; GPU instances are {PLATFORM}", command)
    gigabytes = sum(layer["size"] for layer in (manifest["config"], *manifest["layers"])) / 1e9
    found = f"Docker manifest, {platform}, {gigabytes:.1f} GB compressed"
    if gigabytes > LARGE_GIGABYTES:
        return Finding(Level.WARNING, found, "Every cold start pulls it: leave out what the container does not need.")
    return Finding(Level.OK, found)


def _platform(ecr: Any, where: dict[str, str], manifest: dict[str, Any], fetch_blob: Fetch) -> str:
    """Return the platform in the image's configuration, such as ``linux/amd64``."""
    url = ecr.get_download_url_for_layer(**where, layerDigest=manifest["config"]["digest"])["downloadUrl"]
    configuration = json.loads(fetch_blob(url))
    return f"{configuration.get('os')}/{configuration.get('architecture')}"


def _check_builder() -> Finding:
    program = os.environ.get("CDK_DOCKER", "docker")
    if shutil.which(program) is None:
        remedy = "Install Docker, name another program in CDK_DOCKER, or push an image elsewhere and give `image`."
        return Finding(Level.FAILED, f"the image is built at the deployment, but there is no {program}", remedy)
    return Finding(Level.OK, f"built at the deployment by {program}, as Docker manifest for {PLATFORM}")
