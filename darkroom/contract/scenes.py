"""Scenes of ``render_scenes``: pictures, generated pictures and portraits that speak."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from darkroom.contract.params import Prompt
from darkroom.contract.picture_styles import PictureStyleName
from darkroom.contract.spoken import Spoken

RoleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$", description="A role of the request's uploads.")]


class Transition(StrEnum):
    """Transition from one scene to the next."""

    CUT = "cut"
    FADE = "fade"
    SLIDE = "slide"


class BaseScene(Spoken):
    """Base of all scenes."""

    voice_track: RoleName | None = Field(
        None, description="The role of a recorded voice, in place of a synthesised one."
    )
    transition: Transition | None = Field(
        None, description="Transition from the scene before; that of the whole video when left out."
    )
    seconds: float | None = Field(
        None, gt=0, le=60, description="Minimum length in seconds; when left out, the length of its speech, or 4."
    )

    @model_validator(mode="after")
    def _one_voice(self) -> Self:
        if self.voice is not None and self.voice_track is not None:
            raise ValueError("voice has no effect with a voice_track, which has a voice of its own")
        return self

    @property
    def picture_role(self) -> str | None:
        """Role of the picture that the scene shows; None if it is generated."""
        return None


class ImageScene(BaseScene):
    """A picture, over which the camera moves slowly."""

    type: Literal["image"]
    picture: RoleName

    @property
    def picture_role(self) -> str | None:
        """Role of the picture."""
        return self.picture


class GeneratedScene(BaseScene):
    """A picture made from words, over which the camera moves slowly."""

    type: Literal["generated"]
    prompt: Prompt = Field(min_length=1, pattern=r"\S", description="Prompt: content of the picture.")
    style: PictureStyleName | None = Field(None, description="Style to add; GET /styles?kind=generate lists them.")


class AvatarScene(BaseScene):
    """A portrait that speaks."""

    type: Literal["avatar"]
    avatar: RoleName

    @property
    def picture_role(self) -> str | None:
        """Role of the portrait."""
        return self.avatar


Scene = Annotated[ImageScene | GeneratedScene | AvatarScene, Field(discriminator="type")]
