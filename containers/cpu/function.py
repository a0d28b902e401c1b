"""Lambda function of the cpu lane: runs one invocation of the preview engine and announces its outcome.

OpenCV is imported at once, while Lambda gives the start a full processor. What a kind needs beyond it is imported with
its plan.
"""

from functools import cache
from typing import Any, Protocol

import cv2  # noqa: F401 - every plan needs it

from cloud.invocation import FunctionInvocation
from cloud.lambda_init import run_during_init
from containers.cpu.invocation_processor import InvocationProcessor, create_processor


class LambdaContext(Protocol):
    """What is used of the context that Lambda gives to a handler."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation."""


@cache
def _processor() -> InvocationProcessor:
    return create_processor()


def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Run an invocation. An error of AWS's calls is raised: Lambda reports it to the topic of failures."""
    remaining_seconds = context.get_remaining_time_in_millis() / 1000
    _processor().process(FunctionInvocation.model_validate(event), remaining_seconds)


run_during_init(_processor)
