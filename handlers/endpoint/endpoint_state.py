"""Endpoint state: SageMaker's status and the number of running instances."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


# DescribeEndpoint answers ValidationException, "Could not find endpoint". The runtime answers ValidationError,
# "Endpoint NAME of account ID not found", presumably also while the endpoint is being created.
_ABSENT = re.compile(r"could not find endpoint|endpoint .* not found", re.IGNORECASE)


@dataclass(frozen=True)
class EndpointState:
    """SageMaker's status of an endpoint and its running instances, those of a pending deployment included."""

    status: str
    instances: int


def endpoint_state(sagemaker: "SageMakerClient", endpoint_name: str) -> EndpointState | None:
    """Return the state of an endpoint; None if it does not exist."""
    try:
        response = sagemaker.describe_endpoint(EndpointName=endpoint_name)
    except ClientError as error:
        if says_absent(error):
            return None
        raise
    variants: list[Any] = [
        *response.get("ProductionVariants", []),
        *response.get("PendingDeploymentSummary", {}).get("ProductionVariants", []),
    ]
    running: int = sum(variant.get("CurrentInstanceCount", 0) for variant in variants)
    return EndpointState(response.get("EndpointStatus", "Unknown"), running)


def says_absent(error: Exception) -> bool:
    """Return True if an error of SageMaker's control plane or runtime says that the endpoint does not exist."""
    if not isinstance(error, ClientError):
        return False
    reason = error.response["Error"]
    return reason["Code"] in ("ValidationException", "ValidationError") and bool(_ABSENT.search(reason["Message"]))


def running_instances(sagemaker: "SageMakerClient", endpoint_name: str) -> int | None:
    """Return the number of running instances, those of a pending deployment included; None without an endpoint."""
    state = endpoint_state(sagemaker, endpoint_name)
    return None if state is None else state.instances
