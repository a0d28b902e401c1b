"""Instance reports: status of the endpoint's instances and digests of their engines, in the ledger."""

import time
from datetime import datetime

from pydantic import BaseModel, Field

from cloud.dynamodb.batch_read import ItemKey
from cloud.dynamodb.ledger import Ledger

INSTANCES = "instances"
ENGINES = "engines"
# An instance without a report for this long counts as gone.
STALE_SECONDS = 120
KEEP_SECONDS = 3600
ENGINE_DAYS = 90


class LoadedModel(BaseModel):
    """A network in an instance's memory."""

    name: str
    megabytes: float
    on_device: bool = Field(description="On the GPU; in the host's memory otherwise.")


class InstanceReport(BaseModel):
    """The last report of an instance."""

    instance_id: str
    reported_at: datetime
    device: str | None = Field(
        None, description="`cpu`, or the GPU's name; null until the models engine has been loaded."
    )
    jobs: int = Field(description="Jobs in flight.")
    networks: list[LoadedModel] = []
    vram_used_mb: float | None = Field(
        None, description="Memory in use on the whole GPU, by any process; null without a GPU."
    )
    vram_total_mb: float | None = None


class InstanceReports:
    """Store of instance reports and engine digests: written by instances, read by the API."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def write(self, report: InstanceReport) -> None:
        """Replace an instance's report."""
        expires_at = int(time.time()) + KEEP_SECONDS
        self._ledger.put(INSTANCES, report.instance_id, report.model_dump(mode="json"), expires_at=expires_at)

    def read(self, now: float) -> list[InstanceReport]:
        """Return the reports of instances running at ``now`` (epoch seconds), newest first."""
        reports = [InstanceReport.model_validate(row) for row in self._ledger.query_partition(INSTANCES)]
        fresh = [report for report in reports if now - report.reported_at.timestamp() < STALE_SECONDS]
        return sorted(fresh, key=lambda report: report.reported_at, reverse=True)

    def write_engine_digest(self, kind: str, engine: str, digest: str) -> None:
        """Write the digest of a kind on an engine; it changes with the engine's code or models."""
        expires_at = int(time.time()) + ENGINE_DAYS * 86400
        self._ledger.put(ENGINES, f"{kind}#{engine}", {"digest": digest}, expires_at=expires_at)

    def engine_digest_key(self, kind: str, engine: str) -> ItemKey:
        """Return the key of the item with the digest of a kind on an engine, for a batch read."""
        return self._ledger.item_key(ENGINES, f"{kind}#{engine}")

    def read_engine_digest(self, kind: str, engine: str) -> str | None:
        """Return the last digest of a kind on an engine, or None."""
        row = self._ledger.get(ENGINES, f"{kind}#{engine}")
        return None if row is None else str(row["digest"])
