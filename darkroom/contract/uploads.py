"""Input sources of a job: file uploads, assets of the caller's library, built-in avatars; and each kind's roles."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag

from darkroom.contract.avatars import AvatarName
from darkroom.contract.media_types import canonical
from darkroom.contract.params import Contract

MAX_UPLOAD_BYTES = 20 * 1024 * 1024
MAX_AUDIO_BYTES = 64 * 1024 * 1024  # five minutes of stereo at 48 kHz, uncompressed
MAX_PIXELS = 50_000_000
MAX_SIDE = 16_384
MIN_SIDE = 32
ContentType = Literal["image/jpeg", "image/png", "image/webp", "image/heic"]
AudioType = Literal[
    "audio/wav",
    "audio/mpeg",
    "audio/mp4",
    "audio/aac",
    "audio/ogg",
    "audio/flac",
    "audio/webm",
    "audio/amr",
    "audio/aiff",
    "audio/x-caf",
]
MediaType = ContentType | AudioType
PICTURE_TYPES: tuple[ContentType, ...] = get_args(ContentType)
AUDIO_TYPES: tuple[AudioType, ...] = get_args(AudioType)
MEDIA_TYPES: tuple[MediaType, ...] = (*PICTURE_TYPES, *AUDIO_TYPES)


def byte_limit(content_type: str) -> int:
    """Return the maximum size of an upload of this type, in bytes.

    >>> byte_limit("image/png") < byte_limit("audio/wav")
    True
    """
    return MAX_AUDIO_BYTES if content_type.startswith("audio/") else MAX_UPLOAD_BYTES


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file, lower-case hex.")]
AssetId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="The id of an asset of yours.")]
# A declared type, as a browser may name it.
Declared = BeforeValidator(lambda value: canonical(value) if isinstance(value, str) else value)
DECLARED_TYPE = (
    "Media type. Parameters are ignored, letters may be of either case, and common aliases such as {aliases} count as "
    "the type that they stand for. The form that comes back has the name listed here."
)


class Upload(Contract):
    """The picture that the caller is going to upload for one role; the presigned POST is fixed to it."""

    content_type: Annotated[ContentType, Declared] = Field(
        description=DECLARED_TYPE.format(aliases="`image/jpg` and `image/heif`")
    )
    size: int | None = Field(None, ge=1, le=MAX_UPLOAD_BYTES, description="Bytes, if known.")
    sha256: Sha256 | None = None


class AudioUpload(Contract):
    """The sound that the caller is going to upload for one role; the presigned POST is fixed to it."""

    content_type: Annotated[AudioType, Declared] = Field(
        description=DECLARED_TYPE.format(aliases="`audio/mp3`, `audio/x-m4a` and `video/webm`")
    )
    size: int | None = Field(None, ge=1, le=MAX_AUDIO_BYTES, description="Bytes, if known.")
    sha256: Sha256 | None = None


class AssetReference(Contract):
    """A picture from the caller's library, in place of an upload."""

    asset_id: AssetId


class AvatarReference(Contract):
    """A portrait that comes with the service, in place of an upload."""

    avatar: AvatarName = Field(description="GET /avatars lists them.")


AnySource = Upload | AudioUpload | AssetReference | AvatarReference


def _source(value: Any) -> str:
    fields = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    for name, tag in (("asset_id", "asset"), ("avatar", "avatar")):
        if name in fields:
            return tag
    return "audio" if canonical(str(fields.get("content_type", ""))).startswith("audio/") else "upload"


def _picture(value: Any) -> str:
    """Discriminate picture sources. Audio counts as an upload, so that the error names its wrong content type."""
    return "asset" if _source(value) == "asset" else "upload"


def _portrait(value: Any) -> str:
    tag = _source(value)
    return "upload" if tag == "audio" else tag


# Source of a role's picture: an upload, or an asset.
Source = Annotated[
    Annotated[Upload, Tag("upload")] | Annotated[AssetReference, Tag("asset")],
    Discriminator(_picture),
]
# Source of a portrait: the same, or a built-in avatar.
PortraitSource = Annotated[
    Annotated[Upload, Tag("upload")]
    | Annotated[AssetReference, Tag("asset")]
    | Annotated[AvatarReference, Tag("avatar")],
    Discriminator(_portrait),
]
# Source of a scene's picture or recording.
SceneSource = Annotated[
    Annotated[Upload, Tag("upload")]
    | Annotated[AudioUpload, Tag("audio")]
    | Annotated[AssetReference, Tag("asset")]
    | Annotated[AvatarReference, Tag("avatar")],
    Discriminator(_source),
]


class PhotoUploads(Contract):
    """Uploads of kinds that start from one picture."""

    photo: Source


class InpaintUploads(Contract):
    """Uploads of ``inpaint``: a photo and its mask."""

    photo: Source
    mask: Source = Field(
        description="Mask of the photo's size: white is filled, black stays; edges may be soft. "
        "A copy of the photo that is transparent where it is to be filled counts as one, too."
    )


class FaceSwapUploads(Contract):
    """Uploads of ``face_swap``: the picture of the face and the picture that it goes into."""

    source: Source = Field(description="The picture that the face is taken from.")
    target: Source = Field(description="The picture that the face is put into.")


class VideoUploads(Contract):
    """Uploads of ``render_video``: a portrait, and optionally a recorded voice."""

    avatar: PortraitSource = Field(
        description="Whom the video shows: a portrait of yours, or NAME of one that comes with the service."
    )
    voice_track: AudioUpload | None = Field(None, description="The voice, in place of a synthesised one.")


class ScenesUploads(Contract):
    """Uploads of ``render_scenes``: music, and one field for each role that the scenes name."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, SceneSource]

    music: AudioUpload | None = Field(None, description="Background music.")


class NoUploads(Contract):
    """Uploads of kinds that start from words: none."""
