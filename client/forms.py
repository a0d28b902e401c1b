"""The service's answers that are not jobs: what ``POST /jobs``, ``/styles``, ``/health`` and ``/config`` say."""

from datetime import datetime

from pydantic import BaseModel

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


class Part(BaseModel):
    """One thing the service stands on: ``status`` is ``ok`` or ``down``, with a reason."""

    status: str
    milliseconds: float | None = None
    reason: str | None = None


class Health(BaseModel):
    """Whether everything that the service stands on answers, and each part by name."""

    ok: bool
    parts: dict[str, Part] = {}


class Config(BaseModel):
    """What an app must know of a deployment before it has a token."""

    socket_url: str | None = None
    region: str | None = None
    client_id: str | None = None
    issuer: str | None = None
