"""Prefetch: the rows that decide about a new job, read in one call instead of one after the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloud.dynamodb.attributes import from_item
from cloud.dynamodb.batch_read import read_items
from cloud.dynamodb.job_record import JobRecord
from cloud.dynamodb.job_table import JobTable
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import KINDS, Kind
from handlers.jobs.job_identity import JobIdentity
from handlers.jobs.result_cache import ResultCache
from handlers.limits.rate_limiter import RateLimiter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Prefetched:
    """The job that exists already, the digests of the kind's engines, and if a window of the rate limit is open."""

    existing: JobRecord | None
    engine_digests: Mapping[Engine, str]
    window_open: bool


class Prefetch:
    """Reads the rows that decide about a new job."""

    def __init__(
        self, client: "DynamoDBClient", jobs: JobTable, result_cache: ResultCache, rate_limiter: RateLimiter
    ) -> None:
        self._client = client
        self._jobs = jobs
        self._result_cache = result_cache
        self._rate_limiter = rate_limiter

    def read(self, identity: JobIdentity, kind: Kind, *, cache: bool) -> Prefetched:
        """Return the rows of a request: the digests if it accepts a result from the ``cache``, the job if it may exist.

        If neither is wanted, nothing is read: the rate limiter finds out by itself.
        """
        engines = list(KINDS[kind].engines) if cache and self._result_cache.enabled and kind in KINDS else []
        keys = [self._result_cache.engine_digest_key(kind, engine) for engine in engines]
        if identity.may_exist:
            keys.append(self._jobs.item_key(identity.job_id))
        if not keys:
            return Prefetched(existing=None, engine_digests={}, window_open=True)
        window, *items = read_items(self._client, [self._rate_limiter.item_key(identity.owner, kind), *keys])
        existing = items.pop() if identity.may_exist else None
        return Prefetched(
            existing=None if existing is None else JobRecord.from_item(existing),
            engine_digests={
                engine: str(from_item(item)["digest"])
                for engine, item in zip(engines, items, strict=True)
                if item is not None
            },
            window_open=window is not None and self._rate_limiter.is_open(from_item(window)),
        )
