"""Result cache: an identical job of the same owner reuses the earlier result.

Identical means equal kind, engine, params, SHA-256 of every input, and engine digest (its code and models). The owner
is part of the key for privacy: knowing a file's digest must not reveal another owner's result.
"""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, Field

from cloud.dynamodb.attributes import from_attribute, to_attribute
from cloud.dynamodb.batch_read import ItemKey
from cloud.dynamodb.conditional_update import ConditionalUpdate
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.ledger import MICROS, Ledger
from cloud.instance_reports import InstanceReports
from cloud.invocation import Completed
from cloud.observability import logger
from cloud.s3.keys import upload_key
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.results import Result

DAY_SECONDS = 86_400
STATISTICS_DAYS = 30
# Links to a result work until the day before its pictures are deleted; S3 deletes at midnight UTC, a day or less later.
MARGIN_SECONDS = DAY_SECONDS

# Ledger keys: an item of counters per day, and one for the time before which results are invalid.
COUNTERS = "cache"
VALID_FROM = "valid_from"
RESULT = "result"
MISSES = "Jobs that were completed by a machine, because their lookup found no result."


class CachedResult(BaseModel):
    """Result of an earlier job. Times are epoch seconds; ``pictures_until`` is the TTL of that job's item."""

    job_id: str
    result: Result
    cost_usd: float
    seconds: float
    created_at: float
    pictures_until: int
    input_etags: dict[str, str] = Field({}, description="Role → ETag of the input, where it is known.")

    def upload_key(self, role: str) -> str:
        """Return the S3 key of the input for a role; S3 deletes it some days after the upload."""
        return upload_key(self.job_id, role)


class CacheDay(BaseModel):
    """A UTC day of the result cache."""

    date: str
    hits: int = 0
    misses: int = Field(0, description=MISSES)
    stores: int = 0
    saved_usd: float = Field(0.0, description="Cost of the jobs whose results the hits reused.")
    saved_seconds: float = Field(0.0, description="Duration of the same jobs.")


class CacheStats(BaseModel):
    """Hits, misses and savings of the result cache."""

    cache_days: int = Field(description="Days for which a result is reused for an identical job; 0: never.")
    valid_from: datetime | None = Field(
        description="Results made before this time are not reused; null: none were cleared."
    )
    hits: int
    misses: int = Field(description=MISSES)
    hit_rate: float | None = Field(description="Hits per hit and miss; null without any.")
    stores: int
    saved_usd: float
    saved_seconds: float
    days: list[CacheDay] = Field(description="The last 30 days with a lookup or a stored result, newest first.")


class CacheCleared(BaseModel):
    """Outcome of clearing the result cache."""

    valid_from: datetime = Field(description="Results made before this time are not reused.")
    moved: bool = Field(description="False if results up to this time or later had been cleared before.")


def cache_key(
    *, owner: str, kind: Kind, engine: Engine, params: Mapping[str, Any], inputs: Mapping[str, str], engine_digest: str
) -> str:
    """Return the cache key of a job (SHA-256, hex), equal for requests and for records read from the table.

    ``inputs`` is role → SHA-256 of the input.
    """
    job = {
        "owner": owner,
        "kind": str(kind),
        "engine": str(engine),
        "params": dict(params),
        "inputs": dict(inputs),
        "engine_digest": engine_digest,
    }
    # DynamoDB does not distinguish 1.0 from 1.
    canonical = from_attribute(to_attribute(job))
    return sha256(json.dumps(canonical, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class ResultCache:
    """Cache of results for ``cache_days``; 0 disables it. Errors are logged and treated as a miss."""

    def __init__(self, ledger: Ledger, *, cache_days: int) -> None:
        self._ledger = ledger
        self._instance_reports = InstanceReports(ledger)
        self._cache_days = cache_days

    @property
    def enabled(self) -> bool:
        """True if the cache is enabled."""
        return self._cache_days > 0

    def engine_digest_key(self, kind: Kind, engine: Engine) -> ItemKey:
        """Return the key of an engine's digest, for a batch read."""
        return self._instance_reports.engine_digest_key(kind, engine)

    def find(
        self,
        *,
        owner: str,
        kind: Kind,
        engine: Engine,
        params: Mapping[str, Any],
        inputs: Mapping[str, str],
        engine_digests: Mapping[Engine, str] | None = None,
    ) -> CachedResult | None:
        """Return the cached result of an identical job, or None. ``engine_digests`` are read if they are not given.

        A hit is counted by ``count_hit``, once a job has ended with it, and a miss by ``store``. Neither is waited for
        here.
        """
        if not self.enabled:
            return None
        try:
            digest = (
                self._instance_reports.read_engine_digest(kind, engine)
                if engine_digests is None
                else engine_digests.get(engine)
            )
            if digest is None:
                return None
            key = cache_key(owner=owner, kind=kind, engine=engine, params=params, inputs=inputs, engine_digest=digest)
            return self._valid(self._ledger.get(_partition(key), RESULT))
        except (ClientError, BotoCoreError, ValueError) as error:
            logger.warning("result cache lookup failed", kind=kind, reason=str(error))
            return None

    def count_hit(self, cached: CachedResult) -> None:
        """Count a job that ended with a cached result."""
        try:
            self._count(
                hits=1, saved_micros=round(cached.cost_usd * MICROS), saved_milliseconds=round(cached.seconds * 1e3)
            )
        except (ClientError, BotoCoreError) as error:
            logger.warning("cache hit not counted", reason=str(error))

    def store(self, record: JobRecord, completed: Completed) -> None:
        """Store a completed job's result, unless it is a fallback that a later run could improve. Count it, and the
        job's miss.

        Nondeterministic results (``animate`` on the models engine) are stored, too: requests with ``cache`` false get a
        new one.
        """
        if not self.enabled:
            return
        counted = {"misses": 1} if record.cache_miss or record.use_cache else {}
        result, digest = completed.result, completed.engine_digest
        as_requested = result.engine is record.engine and result.cacheable
        try:
            if digest is not None and completed.inputs.keys() == record.uploads.keys() and as_requested:
                self._put(record, completed, digest)
                counted["stores"] = 1
            if counted:
                self._count(**counted)
        except (ClientError, BotoCoreError, TypeError) as error:
            logger.warning("result not stored in the cache", job_id=record.job_id, reason=str(error))

    def _put(self, record: JobRecord, completed: Completed, engine_digest: str) -> None:
        now = time.time()
        cached = CachedResult(
            job_id=record.job_id,
            result=completed.result,
            cost_usd=record.cost_usd or 0.0,
            seconds=sum(entry.seconds for entry in completed.timeline),
            created_at=now,
            pictures_until=record.expires_at,
            input_etags={role: upload.etag for role, upload in record.uploads.items() if upload.etag is not None},
        )
        key = cache_key(
            owner=record.owner,
            kind=record.kind,
            engine=record.engine,
            params=record.params,
            inputs=completed.inputs,
            engine_digest=engine_digest,
        )
        values = cached.model_dump(mode="json", exclude_none=True)
        expires_at = min(int(now) + self._cache_days * DAY_SECONDS, record.expires_at - MARGIN_SECONDS)
        self._ledger.put(_partition(key), RESULT, values, expires_at=expires_at)

    def clear(self, before: float) -> CacheCleared:
        """Invalidate results made before a time (epoch seconds). The time never moves back."""
        update = ConditionalUpdate()
        update.set({"moment": before})
        update.require_if_present("moment", "<", before)
        moved = self._ledger.update_item(COUNTERS, VALID_FROM, update) is not None
        moment = self._valid_from()
        return CacheCleared(valid_from=datetime.fromtimestamp(max(before, moment or 0), UTC), moved=moved)

    def stats(self) -> CacheStats:
        """Return the counters of the last days and their sums."""
        rows = {row["sk"]: row for row in self._ledger.query_partition(COUNTERS)}
        moment = rows.pop(VALID_FROM, {}).get("moment")
        days = [_day(date, row) for date, row in sorted(rows.items(), reverse=True)][:STATISTICS_DAYS]
        hits, misses = sum(day.hits for day in days), sum(day.misses for day in days)
        return CacheStats(
            cache_days=self._cache_days,
            valid_from=None if moment is None else datetime.fromtimestamp(moment, UTC),
            hits=hits,
            misses=misses,
            hit_rate=round(hits / (hits + misses), 4) if hits + misses else None,
            stores=sum(day.stores for day in days),
            saved_usd=round(sum(day.saved_usd for day in days), 6),
            saved_seconds=round(sum(day.saved_seconds for day in days), 3),
            days=days,
        )

    def _valid(self, row: Mapping[str, Any] | None) -> CachedResult | None:
        """Return the result of a valid item. DynamoDB may delete expired items days late."""
        if row is None or row["expires_at"] <= time.time():
            return None
        cached = CachedResult.model_validate(row)
        valid_from = self._valid_from()
        return cached if valid_from is None or cached.created_at >= valid_from else None

    def _valid_from(self) -> float | None:
        row = self._ledger.get(COUNTERS, VALID_FROM)
        return None if row is None else float(row["moment"])

    def _count(self, **amounts: int) -> None:
        now = time.time()
        update = ConditionalUpdate()
        for name, amount in amounts.items():
            update.add(name, amount)
        update.set_if_absent("expires_at", int(now) + (STATISTICS_DAYS + 1) * DAY_SECONDS)
        self._ledger.update_item(COUNTERS, datetime.fromtimestamp(now, UTC).date().isoformat(), update)


def _partition(key: str) -> str:
    return f"cache#{key}"


def _day(date: str, row: Mapping[str, Any]) -> CacheDay:
    return CacheDay(
        date=date,
        hits=row.get("hits", 0),
        misses=row.get("misses", 0),
        stores=row.get("stores", 0),
        saved_usd=row.get("saved_micros", 0) / MICROS,
        saved_seconds=row.get("saved_milliseconds", 0) / 1e3,
    )
