"""The service's answers that are not jobs: forms for uploads, pages, what there is to choose, assets, and itself."""

from datetime import datetime

from pydantic import BaseModel

from darkroom.contract.jobs import Job
from darkroom.contract.uploads import AssetReference


class PresignedPost(BaseModel):
    """Where one file goes: a form for S3, good for one key, type and size until ``expires_at``."""

    url: str
    fields: dict[str, str]
    expires_at: datetime | None = None


class Created(BaseModel):
    """A job that waits for its uploads: ``uploads`` maps each role to its form."""

    job: Job
    uploads: dict[str, PresignedPost]


class JobPage(BaseModel):
    """One page of jobs, newest first; ``cursor`` asks for the next one."""

    jobs: list[Job]
    cursor: str | None = None


class StyleCard(BaseModel):
    """A style as people choose it. ``palette`` holds sRGB colours, ``#rrggbb``, dominant first; empty for a look."""

    name: str
    title: str
    description: str
    palette: list[str] = []


class Avatar(BaseModel):
    """A portrait of nobody; ``picture`` is a ``data:`` URI."""

    name: str
    title: str
    description: str = ""
    licence: str = ""
    picture: str


class AvatarList(BaseModel):
    """The answer of ``GET /avatars``."""

    avatars: tuple[Avatar, ...]


class Voice(BaseModel):
    """A voice that says scripts; ``language`` is a BCP 47 tag."""

    name: str
    title: str
    language: str


class VoiceList(BaseModel):
    """The answer of ``GET /voices``."""

    voices: tuple[Voice, ...]


class EnhancedPrompt(BaseModel):
    """A better ``prompt`` than the ``original``: ``by`` is ``rules`` or what language model service made it."""

    prompt: str
    original: str
    by: str
    model: str | None = None
    note: str | None = None


class StyleList(BaseModel):
    """The answer of ``GET /styles``."""

    styles: tuple[StyleCard, ...]


class AssetError(BaseModel):
    """Why something was refused. A newer service may add codes, so they are plain strings here."""

    code: str
    message: str


class AssetSource(BaseModel):
    """Where an asset comes from: ``type`` is ``upload`` or ``job``; then which of its pictures it is."""

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
        """What a job is given for a role, in place of a file."""
        return AssetReference(asset_id=self.asset_id)


class AssetPage(BaseModel):
    """One page of assets, newest first; ``cursor`` asks for the next one."""

    assets: list[Asset]
    cursor: str | None = None


class CreatedAsset(BaseModel):
    """A new asset, and the form for its picture where it is to be uploaded."""

    asset: Asset
    upload: PresignedPost | None = None


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
