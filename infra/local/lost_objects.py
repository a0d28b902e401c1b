"""Lost jobs of a stack that was restored without its latest changes: what S3 and the endpoint still have of them.

Both store at once, the other services do not. A caller may repeat the request of a lost job, which makes a job of the
same id: what is left of the first must be gone by then.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

from cloud.invocation import parse_inference_id
from darkroom.contract.jobs import State
from infra.local.clients import Clients
from infra.local.endpoint.invocation_store import InvocationStore, StoredInvocation
from infra.local.state import StackState
from infra.names import ASSETS, FAILURES, INTERMEDIATES, INVOCATIONS, OUTCOMES, PREVIEWS, RESULTS, UPLOADS

_OF_JOBS = "|".join((UPLOADS, RESULTS, PREVIEWS, INTERMEDIATES, INVOCATIONS, FAILURES, OUTCOMES))
_OWNER = re.compile(rf"(?:(?P<asset>{ASSETS})|{_OF_JOBS})(?P<id>[0-9a-f]{{32}})")


def remove_lost_objects(clients: Clients, state: StackState, since: datetime) -> int:
    """Delete objects stored after ``since`` whose job or asset is not in the restored tables; return how many."""
    known = {
        False: {owner for owner, _ in _states(clients, state.tables.jobs, "job_id")},
        True: {owner for owner, _ in _states(clients, state.tables.assets, "asset_id")},
    }
    lost = []
    for key in _keys(clients, state.bucket, since=since):
        owner = _OWNER.match(key)
        if owner is not None and owner["id"] not in known[bool(owner["asset"])]:
            lost.append(key)
    for key in lost:
        clients("s3").delete_object(Bucket=state.bucket, Key=key)
    return len(lost)


def remove_lost_invocations(clients: Clients, state: StackState, store: InvocationStore) -> int:
    """Remove the stored invocations whose job is not in the restored table; return how many.

    The endpoint must not run. Otherwise it would go on with them, and repeat its notices of those that have ended.
    """
    known = {owner for owner, _ in _states(clients, state.tables.jobs, "job_id")}
    lost = [stored for stored in store.load() if _job_of(stored) not in known]
    for stored in lost:
        store.remove(stored)
    return len(lost)


def repeat_upload_notices(clients: Clients, state: StackState) -> int:
    """Send the notices of uploads again whose jobs or assets still wait for them; return how many.

    The emulator sends S3's notices in threads, which end with it, however it is stopped. Repeated ones do no harm.
    """
    waiting = [
        prefix + owner
        for prefix, table, id_name in (
            (UPLOADS, state.tables.jobs, "job_id"),
            (ASSETS, state.tables.assets, "asset_id"),
        )
        for owner, value in _states(clients, table, id_name)
        if value == State.AWAITING_UPLOAD
    ]
    arrived = [key for prefix in waiting for key in _keys(clients, state.bucket, prefix)]
    for key in arrived:
        notice = {"Records": [{"s3": {"bucket": {"name": state.bucket}, "object": {"key": quote(key)}}}]}
        clients("sqs").send_message(QueueUrl=state.uploads_queue, MessageBody=json.dumps(notice))
    return len(arrived)


def _job_of(stored: StoredInvocation) -> str | None:
    try:
        return parse_inference_id(stored.invocation.inference_id)[0]
    except ValueError:
        return None


def _states(clients: Clients, table: str, id_name: str) -> Iterator[tuple[str, str]]:
    """Return id and state of each row."""
    names = {"#id": id_name, "#state": "state"}
    pages: Any = clients("dynamodb").get_paginator("scan")
    for page in pages.paginate(TableName=table, ProjectionExpression="#id, #state", ExpressionAttributeNames=names):
        for item in page["Items"]:
            yield item[id_name]["S"], item["state"]["S"]


def _keys(clients: Clients, bucket: str, prefix: str = "", *, since: datetime | None = None) -> Iterator[str]:
    """Return the keys of objects below a prefix, stored since a time; S3 rounds it down to a second."""
    for page in clients("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            if since is None or found["LastModified"] >= since.replace(microsecond=0):
                yield found["Key"]
