"""Objects of a stack that was restored without its latest changes: S3 stores at once, the other services do not."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

from darkroom.contract.jobs import State
from infra.local.clients import Clients
from infra.local.state import StackState
from infra.names import ASSETS, FAILURES, INTERMEDIATES, INVOCATIONS, OUTCOMES, PREVIEWS, RESULTS, UPLOADS

_OF_JOBS = "|".join((UPLOADS, RESULTS, PREVIEWS, INTERMEDIATES, INVOCATIONS, FAILURES, OUTCOMES))
_OWNER = re.compile(rf"(?:(?P<asset>{ASSETS})|{_OF_JOBS})(?P<id>[0-9a-f]{{32}})")


def remove_lost_objects(clients: Clients, state: StackState, since: datetime) -> int:
    """Delete objects stored after ``since`` whose job or asset is not in the restored tables; return how many.

    An upload that arrived for a job or asset which still waits for it is announced again.
    """
    states = {
        False: dict(_states(clients, state.tables.jobs, "job_id")),
        True: dict(_states(clients, state.tables.assets, "asset_id")),
    }
    lost, arrived = [], []
    for key in _keys(clients, state.bucket, since):
        owner = _OWNER.match(key)
        if owner is None:
            continue
        known = states[bool(owner["asset"])].get(owner["id"])
        if known is None:
            lost.append(key)
        elif known == State.AWAITING_UPLOAD and key.startswith((UPLOADS, ASSETS)):
            arrived.append(key)
    for key in lost:
        clients("s3").delete_object(Bucket=state.bucket, Key=key)
    for key in arrived:
        notice = {"Records": [{"s3": {"bucket": {"name": state.bucket}, "object": {"key": quote(key)}}}]}
        clients("sqs").send_message(QueueUrl=state.uploads_queue, MessageBody=json.dumps(notice))
    return len(lost)


def _states(clients: Clients, table: str, id_name: str) -> Iterator[tuple[str, str]]:
    """Return id and state of each row."""
    names = {"#id": id_name, "#state": "state"}
    pages: Any = clients("dynamodb").get_paginator("scan")
    for page in pages.paginate(TableName=table, ProjectionExpression="#id, #state", ExpressionAttributeNames=names):
        for item in page["Items"]:
            yield item[id_name]["S"], item["state"]["S"]


def _keys(clients: Clients, bucket: str, since: datetime) -> Iterator[str]:
    """Return the keys of objects stored since a time; S3 rounds it down to a second."""
    for page in clients("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for found in page.get("Contents", []):
            if found["LastModified"] >= since.replace(microsecond=0):
                yield found["Key"]
