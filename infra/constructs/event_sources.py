"""Event sources and failure destinations of functions, with only the rights that AWS documents for them.

The CDK's own classes grant more: GetQueueUrl and ChangeMessageVisibility, which Lambda does not call.
"""

import jsii
from aws_cdk import Names
from aws_cdk.aws_lambda import (
    DestinationConfig,
    DestinationType,
    DlqDestinationConfig,
    Function,
    IDestination,
    IEventSourceDlq,
    IEventSourceMapping,
    IFunction,
)
from aws_cdk.aws_sns import Topic
from aws_cdk.aws_sqs import Queue
from constructs import Construct

from infra.constructs.functions import allow


def invoke_from_queue(function: Function, queue: Queue, *, batch_size: int, max_concurrency: int) -> None:
    """Have Lambda invoke ``function`` with batches of the queue's messages, of which it may report single failures."""
    rights = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    function.add_to_role_policy(allow(rights, [queue.queue_arn]))
    function.add_event_source_mapping(
        f"SqsEventSource:{Names.node_unique_id(queue.node)}",  # as the CDK names it: deployed stacks keep theirs
        event_source_arn=queue.queue_arn,
        batch_size=batch_size,
        max_concurrency=max_concurrency,
        report_batch_item_failures=True,
    )


@jsii.implements(IEventSourceDlq)
class FailedRecords:
    """Queue that gets what Lambda gives up of a stream."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def bind(self, target: IEventSourceMapping, target_handler: IFunction) -> DlqDestinationConfig:  # noqa: ARG002
        """Let the function's role send to the queue."""
        return DlqDestinationConfig(destination=_allow_sending(target_handler, self._queue))


@jsii.implements(IDestination)
class FailedInvocations:
    """Queue or topic that gets Lambda's records of the asynchronous invocations that failed."""

    def __init__(self, target: Queue | Topic) -> None:
        self._target = target

    def bind(
        self,
        scope: Construct,  # noqa: ARG002 - the CDK's own signature
        fn: IFunction,
        *,
        type: DestinationType,  # noqa: A002, ARG002
    ) -> DestinationConfig:
        """Let the function's role send to the queue, or publish to the topic."""
        return DestinationConfig(destination=_allow_sending(fn, self._target))


def _allow_sending(function: IFunction, target: Queue | Topic) -> str:
    """Let a function's role send to a queue or a topic; return its ARN."""
    if isinstance(target, Topic):
        action, arn = "sns:Publish", target.topic_arn
    else:
        action, arn = "sqs:SendMessage", target.queue_arn
    function.add_to_role_policy(allow([action], [arn]))
    return arn
