"""What a caller may ask for: the request body is a union over ``kind``."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, Tag

from pipeline.errors import DarkroomError, ErrorCode
from pipeline.params import (
    Contract,
    FaceSwapParams,
    GenerateParams,
    InpaintParams,
    RestyleRoomParams,
    UpscaleParams,
)

MAX_UPLOAD_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
MAX_SIDE = 16_384
MIN_SIDE = 32
ContentType = Literal["image/jpeg", "image/png", "image/webp"]


def content_type_of(head: bytes) -> ContentType | None:
    """The content type that a file's first 12 bytes or more show; None when it is none that we take.

    >>> content_type_of(b"GIF89a")
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return None


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file, lower-case hex.")]


class Kind(StrEnum):
    """What is made of the pictures."""

    RESTYLE_ROOM = "restyle_room"
    INPAINT = "inpaint"
    GENERATE = "generate"
    FACE_SWAP = "face_swap"
    UPSCALE = "upscale"


class Engine(StrEnum):
    """Who does the work: neural networks, or OpenCV without any weights."""

    MODELS = "models"
    PREVIEW = "preview"


class Upload(Contract):
    """What the caller is going to upload for one role; the presigned POST is fixed to it."""

    content_type: ContentType
    size: int | None = Field(None, ge=1, le=MAX_UPLOAD_BYTES, description="Bytes, if known.")
    sha256: Sha256 | None = None


AssetId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="The id of an asset of yours.")]


class AssetReference(Contract):
    """A picture from the caller's library, in place of an upload."""

    asset_id: AssetId


def _source(value: Any) -> str:
    fields = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    return "asset" if "asset_id" in fields else "upload"


# What a role's picture is: about to be uploaded, or there already.
Source = Annotated[
    Annotated[Upload, Tag("upload")] | Annotated[AssetReference, Tag("asset")],
    Discriminator(_source),
]


class PhotoUploads(Contract):
    """The one picture that most kinds start from."""

    photo: Source


class InpaintUploads(Contract):
    """A photo, and where to fill it."""

    photo: Source
    mask: Source = Field(description="Where to fill: white is filled, black stays; of the photo's size.")


class FaceSwapUploads(Contract):
    """Whose face, and where it goes."""

    source: Source = Field(description="The picture that the face is taken from.")
    target: Source = Field(description="The picture that the face is put into.")


class NoUploads(Contract):
    """A kind that starts from words alone."""


class BaseRequest(Contract):
    """What requests of every kind share."""

    kind: Kind
    params: Contract
    uploads: Contract
    engine: Engine | None = Field(
        None, description="Who does the work; the deployment's default, or who can, when left out."
    )
    allow_preview: bool = Field(
        False, description="Accept the preview engine where the models engine is not available."
    )
    cache: bool = Field(True, description="Take the result of the same job of yours, if it was made before.")


class RestyleRoomRequest(BaseRequest):
    """Restyle a photographed room in its own geometry; what `keep` names stays as it is."""

    kind: Literal[Kind.RESTYLE_ROOM]
    params: RestyleRoomParams
    uploads: PhotoUploads


class InpaintRequest(BaseRequest):
    """Fill a hole in a photo: with what is around it, or with what a prompt says."""

    kind: Literal[Kind.INPAINT]
    params: InpaintParams = InpaintParams()
    uploads: InpaintUploads


class GenerateRequest(BaseRequest):
    """Make pictures from words."""

    kind: Literal[Kind.GENERATE]
    params: GenerateParams
    uploads: NoUploads = NoUploads()


class FaceSwapRequest(BaseRequest):
    """Put the face of one picture into another, with the consent of everybody shown."""

    kind: Literal[Kind.FACE_SWAP]
    params: FaceSwapParams
    uploads: FaceSwapUploads


class UpscaleRequest(BaseRequest):
    """Enlarge a picture."""

    kind: Literal[Kind.UPSCALE]
    params: UpscaleParams = UpscaleParams()
    uploads: PhotoUploads


JobRequest = Annotated[
    RestyleRoomRequest | InpaintRequest | GenerateRequest | FaceSwapRequest | UpscaleRequest,
    Field(discriminator="kind"),
]
REQUESTS: dict[Kind, type[BaseRequest]] = {
    Kind.RESTYLE_ROOM: RestyleRoomRequest,
    Kind.INPAINT: InpaintRequest,
    Kind.GENERATE: GenerateRequest,
    Kind.FACE_SWAP: FaceSwapRequest,
    Kind.UPSCALE: UpscaleRequest,
}
# Which engines can do a kind at all; the one that an unnamed choice falls back to first.
ENGINES: dict[Kind, tuple[Engine, ...]] = {
    Kind.RESTYLE_ROOM: (Engine.MODELS, Engine.PREVIEW),
    Kind.INPAINT: (Engine.MODELS, Engine.PREVIEW),
    Kind.GENERATE: (Engine.MODELS,),
    Kind.FACE_SWAP: (Engine.MODELS, Engine.PREVIEW),
    Kind.UPSCALE: (Engine.MODELS, Engine.PREVIEW),
}


def roles(kind: Kind) -> tuple[str, ...]:
    """The pictures that a kind needs, in the order a person names them.

    >>> roles(Kind.INPAINT)
    ('photo', 'mask')
    """
    return tuple(uploads_model(kind).model_fields)


def uploads_model(kind: Kind) -> type[BaseModel]:
    """What a kind's uploads are: a field for each role."""
    return _model(kind, "uploads")


def params_model(kind: Kind) -> type[BaseModel]:
    """What a kind's params are.

    >>> params_model(Kind.GENERATE).__name__
    'GenerateParams'
    """
    return _model(kind, "params")


def engine_for(kind: Kind, asked: Engine | None, default: Engine) -> Engine:
    """Who does a kind: the engine that was asked for, else the default where it can, else the first that can.

    Raises ``DarkroomError`` (``engine_unavailable``) when the one asked for cannot.

    >>> engine_for(Kind.GENERATE, None, Engine.PREVIEW)
    <Engine.MODELS: 'models'>
    """
    able = ENGINES[kind]
    if asked is not None and asked not in able:
        names = " or ".join(f'"{engine}"' for engine in able)
        raise DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            f"The {asked} engine cannot do {kind}: nothing was queued. Ask for {names}.",
        )
    return asked or (default if default in able else able[0])


def _model(kind: Kind, field: str) -> type[BaseModel]:
    annotation = REQUESTS[kind].model_fields[field].annotation
    assert isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation
