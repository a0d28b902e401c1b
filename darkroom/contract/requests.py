"""Job requests: the request body of ``POST /jobs``, a union discriminated by ``kind``."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import (
    Contract,
    FaceSwapParams,
    FindObjectsParams,
    GenerateParams,
    InpaintParams,
    Params,
    RestyleRoomParams,
    UpscaleParams,
)
from darkroom.contract.uploads import AnySource, AudioUpload, PortraitSource, SceneSource, Source
from darkroom.contract.video_params import RenderScenesParams, RenderVideoParams


class Kind(StrEnum):
    """What is made of the pictures."""

    RESTYLE_ROOM = "restyle_room"
    INPAINT = "inpaint"
    GENERATE = "generate"
    FACE_SWAP = "face_swap"
    UPSCALE = "upscale"
    FIND_OBJECTS = "find_objects"
    RENDER_VIDEO = "render_video"
    RENDER_SCENES = "render_scenes"


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


class VideoUploads(Contract):
    """Who speaks, and the voice where it is not to be synthesised."""

    avatar: PortraitSource = Field(
        description="Whom the video shows: a portrait of yours, or NAME of one that comes with the service."
    )
    voice_track: AudioUpload | None = Field(None, description="The voice, in place of a synthesised one.")


class ScenesUploads(Contract):
    """What the scenes name: every other field is a role of theirs."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, SceneSource]

    music: AudioUpload | None = Field(None, description="What plays under all of it.")


class NoUploads(Contract):
    """A kind that starts from words alone."""


class BaseRequest(Contract):
    """Base of the requests of every kind."""

    kind: Kind
    params: Params
    uploads: Contract
    engine: Engine | None = Field(
        None, description="Who does the work; the deployment's default, or who can, when left out."
    )
    allow_preview: bool = Field(
        False, description="Accept the preview engine where the models engine is not available."
    )
    cache: bool = Field(True, description="Take the result of the same job of yours, if it was made before.")

    @property
    def sources(self) -> Mapping[str, AnySource]:
        """Sources by role, without roles that are left out."""
        return {role: source for role, source in self.uploads if source is not None}

    @model_validator(mode="after")
    def _roles_are_what_the_params_speak_of(self) -> Self:
        sounds = {role for role, source in self.sources.items() if isinstance(source, AudioUpload)}
        self.params.check_roles(self.sources.keys() - sounds, sounds)
        return self


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


class FindObjectsRequest(BaseRequest):
    """Find the things in a photo, with their outlines: what `keep_at` of `restyle_room` may point at."""

    kind: Literal[Kind.FIND_OBJECTS]
    params: FindObjectsParams = FindObjectsParams()
    uploads: PhotoUploads


class RenderVideoRequest(BaseRequest):
    """Have a portrait speak: a script, or a recorded voice."""

    kind: Literal[Kind.RENDER_VIDEO]
    params: RenderVideoParams = RenderVideoParams()
    uploads: VideoUploads


class RenderScenesRequest(BaseRequest):
    """Join scenes into one video: pictures, generated pictures and avatars, each with its own words."""

    kind: Literal[Kind.RENDER_SCENES]
    params: RenderScenesParams
    uploads: ScenesUploads = ScenesUploads()


JobRequest = Annotated[
    RestyleRoomRequest
    | InpaintRequest
    | GenerateRequest
    | FaceSwapRequest
    | UpscaleRequest
    | FindObjectsRequest
    | RenderVideoRequest
    | RenderScenesRequest,
    Field(discriminator="kind"),
]
REQUEST_MODELS: dict[Kind, type[BaseRequest]] = {
    Kind.RESTYLE_ROOM: RestyleRoomRequest,
    Kind.INPAINT: InpaintRequest,
    Kind.GENERATE: GenerateRequest,
    Kind.FACE_SWAP: FaceSwapRequest,
    Kind.UPSCALE: UpscaleRequest,
    Kind.FIND_OBJECTS: FindObjectsRequest,
    Kind.RENDER_VIDEO: RenderVideoRequest,
    Kind.RENDER_SCENES: RenderScenesRequest,
}
# Kinds that make videos.
VIDEO_KINDS = frozenset({Kind.RENDER_VIDEO, Kind.RENDER_SCENES})
# Engines that support a kind. The first one is the fallback if the deployment's default does not support it.
ENGINES_BY_KIND: dict[Kind, tuple[Engine, ...]] = {
    Kind.RESTYLE_ROOM: (Engine.MODELS, Engine.PREVIEW),
    Kind.INPAINT: (Engine.MODELS, Engine.PREVIEW),
    Kind.GENERATE: (Engine.MODELS,),
    Kind.FACE_SWAP: (Engine.MODELS, Engine.PREVIEW),
    Kind.UPSCALE: (Engine.MODELS, Engine.PREVIEW),
    Kind.FIND_OBJECTS: (Engine.MODELS, Engine.PREVIEW),
    Kind.RENDER_VIDEO: (Engine.MODELS, Engine.PREVIEW),
    Kind.RENDER_SCENES: (Engine.MODELS, Engine.PREVIEW),
}


def upload_roles(kind: Kind) -> tuple[str, ...]:
    """Return the upload roles of a kind, in the order of its model. The scenes of a request may define more.

    >>> upload_roles(Kind.INPAINT)
    ('photo', 'mask')
    """
    return tuple(uploads_model(kind).model_fields)


def uploads_model(kind: Kind) -> type[BaseModel]:
    """Return the model of a kind's uploads, which has a field for each role."""
    return _model(kind, "uploads")


def params_model(kind: Kind) -> type[Params]:
    """Return the model of a kind's params.

    >>> params_model(Kind.GENERATE).__name__
    'GenerateParams'
    """
    model = _model(kind, "params")
    assert issubclass(model, Params)
    return model


def resolve_engine(kind: Kind, asked: Engine | None, default: Engine) -> Engine:
    """Choose the engine: the one asked for, else the default if it supports the kind, else the first that does.

    Raises ``DarkroomError`` (``engine_unavailable``) if the one asked for does not support the kind.

    >>> resolve_engine(Kind.GENERATE, None, Engine.PREVIEW)
    <Engine.MODELS: 'models'>
    """
    able = ENGINES_BY_KIND[kind]
    if asked is not None and asked not in able:
        names = " or ".join(f'"{engine}"' for engine in able)
        raise DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            f"The {asked} engine cannot do {kind}: nothing was queued. Ask for {names}.",
        )
    return asked or (default if default in able else able[0])


def _model(kind: Kind, field: str) -> type[BaseModel]:
    annotation = REQUEST_MODELS[kind].model_fields[field].annotation
    assert isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation
