"""Counts of what one job uses of AWS, as measured by ``python -m bench.control_plane``."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from darkroom.contract.kinds import Kind

PATH = Path(__file__).with_name("job_counts.json")
COMMAND = "python -m bench.control_plane"


class JobCounts(BaseModel):
    """Means of one kind's jobs: watched over the WebSocket, their uploads new, their results downloaded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    http_requests: float
    socket_messages: float
    socket_minutes: float
    function_runs: float
    sqs_requests: float
    sns_publishes: float
    events: float
    s3_writes: float
    s3_reads: float
    dynamodb_reads: float
    dynamodb_writes: float
    log_bytes: float


class MeasuredCounts(BaseModel):
    """Counts of each kind that was measured, how many jobs of each, and when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: str
    jobs: int
    kinds: dict[Kind, JobCounts]

    @classmethod
    def read(cls, path: Path = PATH) -> "MeasuredCounts":
        """Read the committed counts."""
        return cls.model_validate(json.loads(path.read_text("utf-8")))

    def write(self, path: Path = PATH) -> None:
        """Write the counts."""
        path.write_text(self.model_dump_json(indent=2) + "\n", "utf-8")
