"""Lambda function of the cpu lane: runs one invocation of the preview engine, or makes a draft.

OpenCV is imported at once, while Lambda gives the start a full processor. What a kind needs beyond it is imported with
its plan.
"""

from functools import cache
from typing import Any, Protocol

import cv2  # noqa: F401 - every plan needs it

from cloud.invocation import DraftInvocation, FunctionInvocation
from cloud.lambda_init import run_during_init
from containers.cpu.draft_maker import DraftMaker, create_draft_maker
from containers.cpu.invocation_processor import InvocationProcessor, create_processor


class LambdaContext(Protocol):
    """What is used of the context that Lambda gives to a handler."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation."""


@cache
def _processor() -> InvocationProcessor:
    return create_processor()


@cache
def _draft_maker() -> DraftMaker:
    return create_draft_maker()


def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Run an invocation. An error of AWS's calls is raised: Lambda reports it to the topic of failures.

    An event with ``draft`` is a ``DraftInvocation``.
    """
    remaining_seconds = context.get_remaining_time_in_millis() / 1000
    if "draft" in event:
        _draft_maker().make(DraftInvocation.model_validate(event), remaining_seconds)
        return
    _processor().process(FunctionInvocation.model_validate(event), remaining_seconds)


run_during_init(_processor)
