"""Cleanup after trials: removes their jobs, their objects and their results in the result cache."""

import time
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from cloud.dynamodb.attributes import to_item
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_table import JobTable
from cloud.dynamodb.ledger import Ledger
from cloud.invocation import Completed, Outcome
from handlers.jobs.result_cache import RESULT, cache_key
from infra.commands.deploy.deployment import Deployment
from infra.names import INTERMEDIATES, INVOCATIONS, OUTCOMES, PREVIEWS, RESULTS, UPLOADS

PREFIXES = (UPLOADS, RESULTS, PREVIEWS, INTERMEDIATES, INVOCATIONS)
CACHE_SECONDS = 5.0  # in which `finished` stores a result, after the caller has seen that the job is done
POLL_SECONDS = 0.25
CLOCK_SKEW = timedelta(minutes=5)
_outcome: TypeAdapter[Any] = TypeAdapter(Outcome)


class TrialCleanup:
    """Removes what trials since ``since`` have left. Log lines stay, and the day's counters and costs, which are true.

    SageMaker names the objects of outcomes by ids of its own, so those are found by their content.
    """

    def __init__(self, deployment: Deployment, since: datetime) -> None:
        self._deployment = deployment
        self._since = since - CLOCK_SKEW
        self._s3 = deployment.client("s3")
        self._dynamodb = deployment.client("dynamodb")

    def remove(self, job_ids: Collection[str]) -> int:
        """Remove the traces of ended jobs; return the number of objects. Idempotent. Raises botocore's errors."""
        outcomes = {key: body for key, body in self._outcomes() if any(job_id.encode() in body for job_id in job_ids)}
        partitions = {key for body in outcomes.values() if (key := self._cache_partition(body)) is not None}
        self._remove_cached(partitions, job_ids)
        for job_id in job_ids:
            self._dynamodb.delete_item(TableName=self._deployment.jobs_table, Key=to_item({"job_id": job_id}))
        keys = [*outcomes, *(key for job_id in job_ids for prefix in PREFIXES for key in self._keys(prefix + job_id))]
        for key in keys:
            self._s3.delete_object(Bucket=self._deployment.bucket, Key=key)
        return len(keys)

    def _objects(self, prefix: str) -> Iterator[Any]:
        pages = self._s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._deployment.bucket, Prefix=prefix):
            yield from page.get("Contents", [])

    def _keys(self, prefix: str) -> Iterator[str]:
        return (found["Key"] for found in self._objects(prefix))

    def _outcomes(self) -> Iterator[tuple[str, bytes]]:
        """Yield key and content of the outcomes and failures that were written during the trials."""
        for found in self._objects(OUTCOMES):
            if found["LastModified"] >= self._since:
                answer = self._s3.get_object(Bucket=self._deployment.bucket, Key=found["Key"])
                yield found["Key"], answer["Body"].read()

    def _cache_partition(self, body: bytes) -> str | None:
        """Return the partition under which the result cache stores the result of an outcome, if it does."""
        try:
            outcome = _outcome.validate_json(body)
        except ValidationError:
            return None
        if not isinstance(outcome, Completed) or outcome.engine_digest is None or not outcome.result.cacheable:
            return None
        record = self._record(outcome.job_id)
        if record is None or outcome.result.engine is not record.engine:
            return None
        key = cache_key(
            owner=record.owner,
            kind=record.kind,
            engine=record.engine,
            params=record.params,
            inputs=outcome.inputs,
            engine_digest=outcome.engine_digest,
        )
        return f"cache#{key}"

    def _record(self, job_id: str) -> JobRecord | None:
        return JobTable(self._deployment.jobs_table, self._dynamodb).get(job_id)

    def _remove_cached(self, partitions: Collection[str], job_ids: Collection[str]) -> None:
        """Remove cached results of the trials. Their pictures are about to go, so none may stay behind."""
        ledger = Ledger(self._deployment.ledger_table, self._dynamodb)
        waiting = set(partitions)
        deadline = time.monotonic() + CACHE_SECONDS
        while waiting:
            for partition in sorted(waiting):
                row = ledger.get(partition, RESULT)
                if row is not None and row["job_id"] in job_ids:
                    key = to_item({"pk": partition, "sk": RESULT})
                    self._dynamodb.delete_item(TableName=self._deployment.ledger_table, Key=key)
                    waiting.discard(partition)
            if not waiting or time.monotonic() > deadline:
                return
            time.sleep(POLL_SECONDS)
