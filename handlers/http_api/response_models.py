"""Response models of the API, besides jobs."""

from typing import get_args

from pydantic import BaseModel, Field

from cloud.s3.presigner import PresignedPost
from darkroom.contract.engine import Engine
from darkroom.contract.jobs import Job
from darkroom.contract.kinds import Kind
from darkroom.contract.spoken import MAX_SCRIPT_CHARACTERS
from darkroom.contract.translation import Translation
from darkroom.contract.uploads import (
    AUDIO_TYPES,
    MAX_AUDIO_BYTES,
    MAX_PIXELS,
    MAX_SIDE,
    MAX_UPLOAD_BYTES,
    MIN_SIDE,
    ContentType,
)
from darkroom.contract.version import API_VERSION, OLDEST_CLIENT
from darkroom.contract.video_params import MAX_VIDEO_SECONDS, MAX_VOICE_SECONDS


class JobWithUploads(BaseModel):
    """A job and the forms to upload what it waits for."""

    job: Job
    uploads: dict[str, PresignedPost] = Field(description="Role → form; only pictures the job still waits for.")


class JobPage(BaseModel):
    """Some of the caller's jobs, newest first."""

    jobs: list[Job]
    cursor: str | None = Field(None, description="Give it back as `cursor` for the next page; null on the last.")


class StyleSummary(BaseModel):
    """A style of room restyling, or a look of generated pictures."""

    name: str
    title: str
    description: str
    palette: list[str] = Field([], description="sRGB colours, `#rrggbb`, dominant first; a look of pictures has none.")
    translations: dict[str, Translation] = Field(
        {}, description="Language, such as `es` → title and description; English is above."
    )


class StyleList(BaseModel):
    """Every style."""

    styles: list[StyleSummary]


class AvatarSummary(BaseModel):
    """An avatar: somebody who does not exist."""

    name: str
    title: str
    description: str
    licence: str
    picture: str = Field(description="The portrait as a `data:` URI: WebP, 512×512 pixels.")


class AvatarList(BaseModel):
    """Every avatar."""

    avatars: list[AvatarSummary]


class VoiceSummary(BaseModel):
    """A voice that says scripts."""

    name: str
    title: str
    language: str = Field(description="A BCP 47 tag.")


class VoiceList(BaseModel):
    """Every voice; the first of a language is the one that it has by default."""

    voices: list[VoiceSummary]


class Limits(BaseModel):
    """Limits of uploads."""

    content_types: list[str] = list(get_args(ContentType))
    max_upload_bytes: int = MAX_UPLOAD_BYTES
    audio_types: list[str] = list(AUDIO_TYPES)
    max_audio_bytes: int = MAX_AUDIO_BYTES
    max_script_characters: int = MAX_SCRIPT_CHARACTERS
    max_voice_seconds: int = MAX_VOICE_SECONDS
    max_video_seconds: int = MAX_VIDEO_SECONDS
    max_pixels: int = MAX_PIXELS
    max_side: int = MAX_SIDE
    min_side: int = MIN_SIDE
    upload_seconds: int


class KindSummary(BaseModel):
    """A kind of job, as a client offers it."""

    kind: Kind
    description: str
    engines: list[Engine] = Field(
        description="Engines of this deployment that support the kind; the first one is the fallback. Without one, "
        "jobs of the kind wait until the endpoint is deployed."
    )
    ignored_params: dict[Engine, list[str]] = Field({}, description="Engine → params that have no effect on it.")
    makes_video: bool = Field(description="True for kinds whose result is a video.")


class ApiVersions(BaseModel):
    """Versions of the API: the first number grows with incompatible changes, the second one with additions."""

    version: str = Field(API_VERSION, description="Version of the service, as in the header `Darkroom-Api-Version`.")
    oldest_client: str = Field(
        OLDEST_CLIENT, description="Clients made for an older version are answered with `client_too_old`."
    )


class PublicConfig(BaseModel):
    """Public configuration of a deployment, for clients without a token."""

    socket_url: str
    region: str
    issuer: str
    client_id: str
    limits: Limits
    kinds: list[KindSummary] = Field([], description="Every kind of job; an older service names none.")
    api: ApiVersions = ApiVersions()
