"""Params of each picture kind: typed models of the request body's ``params``."""

import re
from collections.abc import Collection
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema

from darkroom.contract.coco_objects import ObjectName
from darkroom.contract.engine import Engine
from darkroom.contract.open_enum import OpenEnum
from darkroom.contract.picture_styles import PictureStyleName
from darkroom.contract.strict_numbers import without_conversion
from darkroom.contract.styles import StyleName


class Contract(BaseModel):
    """Base of all request models: frozen; unknown fields are errors, and so are values of another JSON type."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return without_conversion(handler(source))


class Params(Contract):
    """Base of the params of every kind, with checks that involve the uploads or the engine.

    ``REQUEST_ONLY`` names params that only the request needs: containers, also those of an earlier version, do not get
    them.
    """

    REQUEST_ONLY: ClassVar[frozenset[str]] = frozenset()

    def check_roles(self, _pictures: Collection[str], _sounds: Collection[str], /) -> None:
        """Check the uploads' roles against the params. Raises ``ValueError`` for missing, wrong or unused roles."""

    def check_consent(self, _own: Collection[str], /) -> None:
        """Check the consent of the people in the caller's own pictures, named by role. Raises ``ValueError``."""

    def check_drawable(self) -> None:
        """Check that everything to be drawn into the result has characters of a font. Raises ``ValueError``."""

    def with_voices(self, _sounds: Collection[str], /) -> Self:
        """Return a copy that names every voice that will speak; ``_sounds`` are the roles of recordings.

        Raises ``DarkroomError`` (``invalid_request``) if no voice reads a script.
        """
        return self

    def without_automatic_voices(self, _sounds: Collection[str], /) -> Self:
        """Return a copy without the voices that ``with_voices`` would name again, so that other params may change."""
        return self

    def check_engine(self, _engine: Engine, _roles: Collection[str], /) -> None:
        """Check that the engine supports these params. Raises ``DarkroomError`` (``engine_unavailable``)."""


class Room(OpenEnum):
    """Types of rooms."""

    LIVING_ROOM = "living_room"
    BEDROOM = "bedroom"
    KITCHEN = "kitchen"
    DINING_ROOM = "dining_room"
    BATHROOM = "bathroom"
    HOME_OFFICE = "home_office"

    @property
    def words(self) -> str:
        """Name of the room in words.

        >>> Room.HOME_OFFICE.words
        'home office'
        """
        return self.value.replace("_", " ")


class Profile(StrEnum):
    """Speed or quality of the models engine."""

    FAST = "fast"
    QUALITY = "quality"


class Format(StrEnum):
    """File format of the result. Only PNG is lossless."""

    JPEG = "jpeg"
    PNG = "png"


class Aspect(StrEnum):
    """Width to height of a generated picture: the shapes that SDXL was trained on, about a megapixel each."""

    SQUARE = "1:1"
    LANDSCAPE_4_3 = "4:3"
    PORTRAIT_3_4 = "3:4"
    LANDSCAPE_3_2 = "3:2"
    PORTRAIT_2_3 = "2:3"
    WIDE = "16:9"
    TALL = "9:16"
    PANORAMA = "21:9"
    BANNER = "9:21"


class Content(StrEnum):
    """Content of a picture, which chooses the network that enlarges it."""

    PHOTO = "photo"
    ANIME = "anime"


Seed = Annotated[int, Field(ge=0, lt=2**32, description="The same seed makes the same picture again.")]
Share = Annotated[float, Field(ge=0, le=1)]
# Position in a photo: x and y as shares of its width and height, from the top left.
Point = tuple[Share, Share]
# Stripped, so that a prompt of white space is empty.
Prompt = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
_FACES = {"type": "string", "pattern": "^(largest|all|[0-9]{1,2})$"}


def _choice_of_faces(value: object) -> object:
    """Accept a number as well as its text, as the command line passes numbers as integers."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and not re.fullmatch("largest|all|[0-9]{1,2}", text):
        raise ValueError("say largest, all, or a number from 0 to 99")
    return text


Faces = Annotated[str, BeforeValidator(_choice_of_faces), WithJsonSchema(_FACES)]


class RestyleRoomParams(Params):
    """Params of ``restyle_room``. The result's notes name those that the preview engine ignores."""

    style: StyleName = Field(description="Style of the room; GET /styles lists them.")
    room: Room | None = Field(None, description="Type of the room; recognised from the photo when left out.")
    strength: float = Field(1.0, gt=0, le=1, description="Strength of the change; small values stay near the photo.")
    seed: Seed = 42
    keep: tuple[ObjectName, ...] = Field(
        (), max_length=20, description="Things that stay as they are, such as sofa or potted plant."
    )
    keep_at: tuple[Point, ...] = Field(
        (),
        max_length=20,
        description="The things at these points of the upright photo stay as they are: each a share of its width, "
        "then of its height, from the top left.",
    )
    keep_people: bool = Field(True, description="People stay as they are.")
    prompt: Prompt = Field("", description="Prompt: other things that the room should have.")
    negative_prompt: Prompt = Field("", description="Negative prompt: things to avoid, if guidance is above 1.")
    profile: Profile = Field(Profile.FAST, description="A few large steps, or twenty small ones.")
    steps: int | None = Field(None, ge=1, le=50, description="Denoising steps; the profile's number when left out.")
    guidance: float | None = Field(
        None, ge=1, le=20, description="Guidance scale: adherence to the prompt; the profile's value when left out."
    )
    depth_scale: float = Field(0.8, ge=0, le=2, description="Weight of the photo's depth (ControlNet).")
    edges_scale: float = Field(0.6, ge=0, le=2, description="Weight of the photo's edges (ControlNet).")
    format: Format = Field(Format.JPEG, description="File format of the result; PNG is lossless.")


class InpaintParams(Params):
    """Params of ``inpaint``. Without a prompt, the surroundings continue. Pixels outside the mask are unchanged."""

    prompt: Prompt = Field("", description="Prompt: content of the hole; the surroundings continue when left out.")
    negative_prompt: Prompt = Field("", description="Negative prompt: things to avoid; only with a prompt.")
    grow: int = Field(0, ge=0, le=64, description="Pixels by which the hole is widened on every side first.")
    seed: Seed = 42
    steps: int = Field(25, ge=1, le=50, description="Denoising steps; used only with a prompt.")
    guidance: float = Field(7.5, ge=1, le=20, description="Guidance scale: adherence to the prompt.")
    format: Format = Field(Format.PNG, description="File format of the result; PNG keeps the pixels outside the mask.")

    @model_validator(mode="after")
    def _negative_prompt_has_an_effect(self) -> Self:
        if self.negative_prompt and (not self.prompt or self.guidance <= 1):
            raise ValueError("negative_prompt has an effect only with a prompt and with guidance above 1")
        return self


class GenerateParams(Params):
    """Params of ``generate``."""

    prompt: Prompt = Field(min_length=1, pattern=r"\S", description="Prompt: content of the picture.")
    style: PictureStyleName | None = Field(None, description="Style to add; GET /styles?kind=generate lists them.")
    aspect: Aspect = Field(Aspect.SQUARE, description="Width to height.")
    count: int = Field(1, ge=1, le=4, description="Number of pictures; each has the next seed.")
    profile: Profile = Field(Profile.FAST, description="Four large steps, or thirty small ones.")
    negative_prompt: Prompt = Field("", description="Negative prompt: things to avoid; only with profile quality.")
    seed: Seed = 42
    format: Format = Field(Format.JPEG, description="File format of the result.")

    @model_validator(mode="after")
    def _negative_prompt_has_an_effect(self) -> Self:
        if self.negative_prompt and self.profile is Profile.FAST:
            raise ValueError(
                "negative_prompt has no effect with profile fast, whose four steps know no guidance; "
                "leave it out or take profile quality"
            )
        return self


class FaceSwapParams(Params):
    """Params of ``face_swap``."""

    faces: Faces = Field(
        "largest",
        description="Faces of the target: largest, all, or a number, counted from the left from 0. The number may be "
        "sent as text or as a number.",
    )
    source_face: int | None = Field(
        None, ge=0, le=99, description="Face of the source, counted likewise, if it shows several."
    )
    consent: Literal[True] = Field(
        description="Must be true: you confirm that everybody whose face is used or replaced has agreed to it."
    )
    format: Format = Field(Format.JPEG, description="File format of the result.")


class UpscaleParams(Params):
    """Params of ``upscale``."""

    scale: float = Field(2.0, gt=1, le=4, description="Factor of width and height.")
    content: Content = Field(Content.PHOTO, description="Content: the models engine has a network for each.")
    format: Format = Field(Format.JPEG, description="File format of the result; always PNG with transparency.")


class FindObjectsParams(Params):
    """Params of ``find_objects``."""

    format: Format = Field(Format.JPEG, description="File format of the picture that shows the objects.")
