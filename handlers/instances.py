"""How many instances an endpoint has."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


def running_instances(sagemaker: "SageMakerClient", endpoint_name: str) -> int | None:
    """How many run now, those of a deployment under way included; None without an endpoint."""
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
    return running
