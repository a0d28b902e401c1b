"""How an endpoint is, and how many instances it has."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


@dataclass(frozen=True)
class EndpointState:
    """SageMaker's status of an endpoint, and how many instances run now, those of a deployment under way included."""

    status: str
    instances: int


def endpoint_state(sagemaker: "SageMakerClient", endpoint_name: str) -> EndpointState | None:
    """How an endpoint is; None when there is none of this name."""
    try:
        answer = sagemaker.describe_endpoint(EndpointName=endpoint_name)
    except ClientError as error:
        reason = error.response["Error"]
        if reason["Code"] == "ValidationException" and "Could not find endpoint" in reason["Message"]:
            return None
        raise
    variants: list[Any] = [
        *answer.get("ProductionVariants", []),
        *answer.get("PendingDeploymentSummary", {}).get("ProductionVariants", []),
    ]
    running: int = sum(variant.get("CurrentInstanceCount", 0) for variant in variants)
    return EndpointState(answer.get("EndpointStatus", "Unknown"), running)


def running_instances(sagemaker: "SageMakerClient", endpoint_name: str) -> int | None:
    """How many run now, those of a deployment under way included; None without an endpoint."""
    state = endpoint_state(sagemaker, endpoint_name)
    return None if state is None else state.instances
