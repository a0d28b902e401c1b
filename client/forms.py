"""The service's answers that are not jobs: what ``POST /jobs``, ``/styles``, ``/health`` and ``/config`` say."""

from datetime import datetime

from pydantic import BaseModel, JsonValue

from pipeline.jobs import Job


class PresignedPost(BaseModel):
    """Where one picture goes: a form for S3, good for one key, type and size until ``expires_at``."""

    url: str
    fields: dict[str, str]
    expires_at: datetime | None = None


class Created(BaseModel):
    """A job that waits for its pictures: ``uploads`` maps each role to its form."""

    job: Job
    uploads: dict[str, PresignedPost]


class Page(BaseModel):
    """One page of jobs, newest first; ``cursor`` asks for the next one."""

    jobs: list[Job]
    cursor: str | None = None


class StyleCard(BaseModel):
    """A style as people choose it. ``palette`` holds sRGB colours, ``#rrggbb``, dominant first."""

    name: str
    title: str
    description: str
    palette: list[str]


class StyleList(BaseModel):
    """The answer of ``GET /styles``."""

    styles: tuple[StyleCard, ...]


class Health(BaseModel):
    """What the service says of itself: ``status`` is ``ok`` when all ``checks`` are."""

    status: str
    checks: dict[str, JsonValue] = {}

    @property
    def ok(self) -> bool:
        """Whether everything behind the API answers."""
        return self.status == "ok"


class Config(BaseModel):
    """What an app must know of a deployment before it has a token."""

    socket_url: str | None = None
    region: str | None = None
    client_id: str | None = None
    issuer: str | None = None
