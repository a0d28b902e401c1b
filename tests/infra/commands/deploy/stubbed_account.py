"""Account without AWS: its clients answer what a test has said, checked against botocore's service models."""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.stub import Stubber

from infra.commands.deploy.account import AwsAccount

REGION = "eu-west-1"
ACCOUNT_ID = "111122223333"


class StubbedAccount(AwsAccount):
    """Each client has a stubber. Calls must come in the order of ``answer`` and ``refuse``, by service."""

    def __init__(self, stack: ExitStack) -> None:
        session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION)
        super().__init__(session, ACCOUNT_ID, f"arn:aws:iam::{ACCOUNT_ID}:user/ops")
        self._stack = stack
        self._stubbers: dict[str, Stubber] = {}

    def _client(self, service: str) -> Any:
        client = super()._client(service)
        self._stubbers[service] = self._stack.enter_context(Stubber(client))
        return client

    def answer(self, service: str, operation: str, response: Mapping[str, Any], **expected: Any) -> None:
        """Have the next call of a service be ``operation`` (with ``expected`` parameters) and get ``response``."""
        self.client(service)
        self._stubbers[service].add_response(operation, dict(response), expected or None)

    def refuse(self, service: str, operation: str, code: str, message: str = "") -> None:
        """Have the next call of a service be ``operation`` and fail."""
        self.client(service)
        self._stubbers[service].add_client_error(operation, code, message)

    def stacks(self, **stacks: tuple[str, Mapping[str, str]]) -> None:
        """Answer a description of core, gpu and studio, in this order: status and outputs, or not there."""
        for name in ("core", "gpu", "studio"):
            self.stack(name, *stacks.get(name, ()))

    def stack(self, name: str, status: str | None = None, outputs: Mapping[str, str] | None = None) -> None:
        """Answer a description of one stack of the stage ``main``."""
        full = "darkroom-main" if name == "core" else f"darkroom-main-{name}"
        if status is None:
            self.refuse("cloudformation", "describe_stacks", "ValidationError", f"Stack with id {full} does not exist")
            return
        described = {
            "StackName": full,
            "StackStatus": status,
            "CreationTime": datetime(2026, 11, 30, 12, tzinfo=UTC),
            "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in (outputs or {}).items()],
        }
        self.answer("cloudformation", "describe_stacks", {"Stacks": [described]}, StackName=full)
