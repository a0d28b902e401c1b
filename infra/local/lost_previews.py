"""Lost previews: attempts on the cpu lane that ended with the emulator, which keeps a function's events in memory."""

import json
from typing import Any

from cloud.dynamodb.job_record import JobRecord
from cloud.invocation import inference_id
from cloud.lane import Lane
from darkroom.contract.jobs import State
from infra.local.clients import Clients
from infra.local.state import StackState


def report_lost_previews(clients: Clients, state: StackState) -> int:
    """Report attempts as Lambda reports failed ones, so that their jobs go on at once; return how many.

    Call it after a start of the emulator, while no function of the lane runs. Repeated reports do no harm.
    """
    pages: Any = clients("dynamodb").get_paginator("scan")
    lost = [
        JobRecord.from_item(item)
        for page in pages.paginate(
            TableName=state.tables.jobs,
            FilterExpression="lane = :lane AND (#state = :dispatched OR #state = :running)",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={
                ":lane": {"S": Lane.CPU},
                ":dispatched": {"S": State.DISPATCHED},
                ":running": {"S": State.RUNNING},
            },
        )
        for item in page["Items"]
    ]
    for record in lost:
        clients("sns").publish(TopicArn=state.error_topic, Message=_failure(record))
    return len(lost)


def _failure(record: JobRecord) -> str:
    """Return Lambda's record of a failed invocation."""
    return json.dumps(
        {
            "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 1},
            "requestPayload": {"inference_id": inference_id(record.job_id, record.attempt, record.refusals)},
            "responseContext": {"functionError": "Unhandled"},
            "responsePayload": {"errorMessage": "The function ended with the emulator."},
        }
    )
