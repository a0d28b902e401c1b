"""Responses of the service besides jobs: presigned POSTs, pages, styles, voices, assets, health and configuration."""

from datetime import datetime

from pydantic import BaseModel

from darkroom.contract.jobs import Job
from darkroom.contract.uploads import AssetReference


class PresignedPost(BaseModel):
    """Presigned POST to S3 for one file, valid for one key, type and size until ``expires_at``."""

    url: str
    fields: dict[str, str]
    expires_at: datetime | None = None


class Created(BaseModel):
    """A created job, and the presigned POST of each upload by role."""

    job: Job
    uploads: dict[str, PresignedPost]


class JobPage(BaseModel):
    """One page of jobs, newest first; ``cursor`` is for the next one."""

    jobs: list[Job]
    cursor: str | None = None


class StyleCard(BaseModel):
    """A style. ``palette`` holds sRGB colours, ``#rrggbb``, dominant first; empty for styles of generated pictures."""

    name: str
    title: str
    description: str
    palette: list[str] = []


class Avatar(BaseModel):
    """Portrait of a person who does not exist; ``picture`` is a ``data:`` URI."""

    name: str
    title: str
    description: str = ""
    licence: str = ""
    picture: str


class AvatarList(BaseModel):
    """Response of ``GET /avatars``."""

    avatars: tuple[Avatar, ...]


class Voice(BaseModel):
    """A voice that speaks scripts; ``language`` is a BCP 47 tag."""

    name: str
    title: str
    language: str


class VoiceList(BaseModel):
    """Response of ``GET /voices``."""

    voices: tuple[Voice, ...]


class EnhancedPrompt(BaseModel):
    """An enhanced ``prompt``: ``by`` is ``rules`` or the language model service that made it."""

    prompt: str
    original: str
    by: str
    model: str | None = None
    note: str | None = None


class StyleList(BaseModel):
    """Response of ``GET /styles``."""

    styles: tuple[StyleCard, ...]


class AssetError(BaseModel):
    """Reason of a rejection. A newer service may add codes, so they are plain strings here."""

    code: str
    message: str


class AssetSource(BaseModel):
    """Source of an asset: ``type`` is ``upload`` or ``job``; for a job, its result ``picture`` or input ``role``."""

    type: str
    job_id: str | None = None
    picture: str | None = None
    role: str | None = None


class Asset(BaseModel):
    """A picture of the caller's library. ``state`` is ``awaiting_upload``, ``ready`` or ``failed``."""

    asset_id: str
    name: str | None = None
    state: str
    content_type: str
    width: int | None = None
    height: int | None = None
    size: int | None = None
    sha256: str | None = None
    created_at: datetime
    url: str | None = None
    error: AssetError | None = None
    source: AssetSource | None = None

    @property
    def reference(self) -> AssetReference:
        """Reference for use as a job's input, in place of a file."""
        return AssetReference(asset_id=self.asset_id)


class AssetPage(BaseModel):
    """One page of assets, newest first; ``cursor`` is for the next one."""

    assets: list[Asset]
    cursor: str | None = None


class CreatedAsset(BaseModel):
    """A created asset, and the presigned POST of its picture if it is to be uploaded."""

    asset: Asset
    upload: PresignedPost | None = None


class Part(BaseModel):
    """Health of one component: ``status`` is ``ok`` or ``down``, with a reason."""

    status: str
    milliseconds: float | None = None
    reason: str | None = None


class Health(BaseModel):
    """Health of the service: ``ok`` if every component is, and each component by name."""

    ok: bool
    parts: dict[str, Part] = {}


class ApiVersions(BaseModel):
    """Version of the service's API, and the oldest one whose clients it supports."""

    version: str
    oldest_client: str


class Config(BaseModel):
    """Public configuration of a deployment, readable without a token."""

    socket_url: str | None = None
    region: str | None = None
    client_id: str | None = None
    issuer: str | None = None
    api: ApiVersions | None = None
