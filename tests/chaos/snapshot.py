"""Snapshot of a stack after a campaign: what the callers were told, and everything that is stored."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloud.dynamodb.attributes import from_item
from cloud.dynamodb.job_record import JobRecord
from tests.chaos.job_watch import JobDict, JobWatch
from tests.chaos.service import Service
from tests.chaos.workload import OWNERS

PAGE = 100


@dataclass(frozen=True)
class Snapshot:
    """Everything that the invariants compare.

    - ``watches``: what each job's caller has seen
    - ``answers``: GET of each job; None if it is not found
    - ``listed``: the job ids that each owner's listing has
    - ``rows``: the items of the jobs table, by id
    - ``counted``: kind → state → number of jobs, of the statistics
    - ``cost_micro_usd``: kind → cost, of the statistics
    - ``budget_micro_usd``: owner → what is reserved or spent, of the budgets
    - ``objects``: the keys of the bucket
    - ``assets``: the ids of the library's assets
    - ``dead_letters``: the messages of the dead-letter queue
    - ``refused``: events that a function did not take a second time
    - ``processes``: what runs although the stack was stopped; filled in later
    """

    watches: Sequence[JobWatch]
    answers: Mapping[str, JobDict | None]
    listed: Mapping[str, Sequence[str]]
    rows: Mapping[str, JobRecord]
    counted: Mapping[str, Mapping[str, int]]
    cost_micro_usd: Mapping[str, int]
    budget_micro_usd: Mapping[str, int]
    objects: Sequence[str]
    assets: Sequence[str]
    dead_letters: Sequence[JobDict]
    refused: Sequence[str] = ()
    processes: Sequence[str] = field(default=())


def take_snapshot(service: Service, watches: Sequence[JobWatch], assets: Sequence[str]) -> Snapshot:
    """Read everything once. The stack must be idle."""
    stack, tables = service.stack, service.stack.state.tables
    rows = [JobRecord.from_item(item) for item in scan(service, tables.jobs)]
    ledger = [from_item(item) for item in scan(service, tables.ledger)]
    days = [row for row in ledger if row["pk"].startswith("day#")]
    return Snapshot(
        watches=watches,
        answers={watch.job_id: answer_of(service, watch) for watch in watches if watch.job_id},
        listed={owner: list(listed_jobs(service, owner)) for owner in OWNERS},
        rows={row.job_id: row for row in rows},
        counted=counted_states(days),
        cost_micro_usd=sum_by_kind(days),
        budget_micro_usd=budgets(ledger, owner_names(rows, watches)),
        objects=list(keys(service)),
        assets=assets,
        dead_letters=dead_letters(stack.client("sqs"), stack.state.dlq),
    )


def scan(service: Service, table: str) -> Iterator[dict[str, Any]]:
    """Yield every item of a table."""
    for page in service.stack.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from page["Items"]


def keys(service: Service) -> Iterator[str]:
    """Yield the key of every object."""
    for page in service.stack.client("s3").get_paginator("list_objects_v2").paginate(Bucket=service.stack.bucket):
        yield from (entry["Key"] for entry in page.get("Contents", []))


def answer_of(service: Service, watch: JobWatch) -> JobDict | None:
    """GET a job as its caller."""
    answer = service.ask(watch.request.owner, "GET", f"/jobs/{watch.job_id}")
    job: JobDict | None = answer.json() if answer.is_success else None
    return job


def listed_jobs(service: Service, owner: str) -> Iterator[str]:
    """Yield the job ids of an owner's listing."""
    query: dict[str, Any] = {"limit": PAGE}
    while True:
        page = service.ask(owner, "GET", "/jobs", params=query).json()
        yield from (job["job_id"] for job in page["jobs"])
        if not page["cursor"]:
            return
        query["cursor"] = page["cursor"]


def counted_states(days: Sequence[JobDict]) -> dict[str, Counter[str]]:
    """Return how many jobs of each kind the statistics count in each terminal state."""
    found: dict[str, Counter[str]] = {}
    for row in days:
        states = {name: row[name] for name in ("completed", "failed", "cancelled", "expired") if name in row}
        found.setdefault(row["sk"].partition("#")[0], Counter()).update(states)
    return found


def sum_by_kind(days: Sequence[JobDict]) -> Counter[str]:
    """Return the cost of each kind's jobs in the statistics."""
    total: Counter[str] = Counter()
    for row in days:
        total[row["sk"].partition("#")[0]] += row.get("micro_usd", 0)
    return total


def owner_names(rows: Sequence[JobRecord], watches: Sequence[JobWatch]) -> dict[str, str]:
    """Return the name of each owner's id."""
    names = {watch.job_id: watch.request.owner for watch in watches}
    return {row.owner: names[row.job_id] for row in rows if row.job_id in names}


def budgets(ledger: Sequence[JobDict], names: Mapping[str, str]) -> Counter[str]:
    """Return what the budgets of each owner hold, over all days."""
    total: Counter[str] = Counter()
    for row in ledger:
        if row["pk"].startswith("budget#"):
            owner = row["pk"].removeprefix("budget#")
            total[names.get(owner, owner)] += row["reserved_or_spent"]
    return total


def dead_letters(sqs: Any, url: str) -> list[JobDict]:
    """Return the messages of the dead-letter queue. They stay hidden for a minute."""
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60).get("Messages"):
        found += [json.loads(message["Body"]) for message in messages]
    return found
