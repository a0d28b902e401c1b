"""Stubs of AWS services that moto lacks, as far as the functions call them."""

from typing import Any

from botocore.exceptions import EndpointConnectionError

Item = dict[str, Any]


class SageMaker:
    """The endpoint's control plane and runtime: remembers how it was called."""

    def __init__(self) -> None:
        self.instances = 1
        self.status = "InService"
        self.reachable = True
        self.calls: list[Item] = []
        self.scaled: list[Item] = []

    def register_scalable_target(self, **call: Any) -> Item:
        self.scaled.append(call)
        return {}

    def describe_endpoint(self, **_: Any) -> Item:
        variant = {"VariantName": "gpu", "CurrentInstanceCount": self.instances}
        return {"EndpointStatus": self.status, "ProductionVariants": [variant]}

    def invoke_endpoint_async(self, **call: Any) -> Item:
        if not self.reachable:
            raise EndpointConnectionError(endpoint_url="https://runtime.sagemaker")
        self.calls.append(call)
        return {"InferenceId": call["InferenceId"]}


class Bus:
    """EventBridge: remembers the events it was sent."""

    def __init__(self) -> None:
        self.entries: list[Item] = []

    def put_events(self, *, Entries: list[Item]) -> Item:  # noqa: N803 - boto3's own names
        self.entries += Entries
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "id"} for _ in Entries]}
