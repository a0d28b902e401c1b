"""Changes of a job: the attributes that its transitions set."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cloud.dynamodb.conditional_update import ConditionalUpdate
from darkroom.contract.errors import ErrorDetail
from darkroom.contract.jobs import State
from darkroom.contract.results import Result, StageTime
from darkroom.contract.uploads import MediaType

QUEUED_MESSAGE = "In the queue"
# Message of a dispatched job without a wait estimate.
WAITING_MESSAGE = "Waiting for a machine"
# Beginning of the message of a job that waits for a GPU to start.
WAKING = "Waking a GPU"
CACHED_MESSAGE = "Done: the same job was made before"


@dataclass(frozen=True)
class InspectedUpload:
    """Result of an upload's inspection. ``sha256`` (hex) is None for a long recording of which S3 has none.

    ``etag`` is that of the stored object, after it was cleaned. ``width`` and ``height`` are pixels as stored; None for
    audio.
    """

    content_type: MediaType
    width: int | None
    height: int | None
    size: int
    sha256: str | None = None
    etag: str | None = None


def received(role: str, upload: InspectedUpload) -> dict[str, Any]:
    """Return the attributes of a received upload."""
    status: dict[str, Any] = {"received": True, "size": upload.size}
    status |= {"width": upload.width, "height": upload.height, "sha256": upload.sha256, "etag": upload.etag}
    return {f"uploads.{role}.{name}": value for name, value in status.items() if value is not None}


def charge(update: ConditionalUpdate, cost_usd: float | None) -> None:
    """Add an attempt's cost to that of earlier ones."""
    if cost_usd is not None:
        update.add("cost_usd", cost_usd)


def queued(due_at: float) -> dict[str, Any]:
    """Return the attributes of a queued job that sweep checks at ``due_at`` (epoch seconds)."""
    return {"state": State.QUEUED, "message": QUEUED_MESSAGE, "due_at": due_at}


def completed(result: Result, message: str) -> dict[str, Any]:
    """Return the attributes of a job that is completed."""
    stored = result.model_dump(mode="json", exclude_none=True)
    return {"state": State.COMPLETED, "progress": 1.0, "message": message, "result": stored}


def ended(state: State, error: ErrorDetail) -> dict[str, Any]:
    """Return the attributes of a job that ended with an error."""
    return {"state": state, "message": error.message, "error": error.model_dump(mode="json")}


def times(timeline: Sequence[StageTime]) -> list[dict[str, Any]]:
    """Return a timeline as stored."""
    return [entry.model_dump(mode="json") for entry in timeline]
