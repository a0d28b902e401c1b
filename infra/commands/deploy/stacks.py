"""Stacks of a deployment as CloudFormation describes them: status, outputs and template."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from infra.commands.deploy.account import AwsAccount


@dataclass(frozen=True)
class Stack:
    """A deployed stack. ``reason`` is CloudFormation's, for a status that needs one."""

    name: str
    status: str
    reason: str
    changed_at: datetime
    outputs: dict[str, str]


def stack_names(stage: str) -> tuple[str, str, str]:
    """Return the names of the core, GPU and studio stacks.

    >>> stack_names("main")
    ('darkroom-main', 'darkroom-main-gpu', 'darkroom-main-studio')
    """
    core = f"darkroom-{stage}"
    return core, f"{core}-gpu", f"{core}-studio"


def find_stack(account: AwsAccount, name: str) -> Stack | None:
    """Return a stack, or None if it was never deployed. Raises botocore's errors."""
    try:
        found = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"].get("Message", ""):
            return None
        raise
    return Stack(
        name=found["StackName"],
        status=found["StackStatus"],
        reason=found.get("StackStatusReason", ""),
        changed_at=found.get("LastUpdatedTime", found["CreationTime"]),
        outputs={each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])},
    )


def read_template(account: AwsAccount, name: str) -> dict[str, Any]:
    """Return the template that a stack was deployed from. Raises botocore's errors."""
    body = account.client("cloudformation").get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    template: dict[str, Any] = json.loads(body) if isinstance(body, str) else body
    return template
