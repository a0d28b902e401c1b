"""Params of the two video kinds, ``render_video`` and ``render_scenes``."""

from collections.abc import Collection, Set
from enum import StrEnum
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import Params, Seed
from darkroom.contract.scenes import AvatarScene, GeneratedScene, Scene, Transition
from darkroom.contract.spoken import Spoken
from darkroom.contract.voices import Language

MAX_SCRIPTS_CHARACTERS = 15_000  # of all scenes together: ten minutes of a fast voice
MAX_VOICE_SECONDS = 300
MAX_VIDEO_SECONDS = 600
MIN_SCENES, MAX_SCENES = 2, 20
MUSIC = "music"  # role reserved for the background music
VOICE_TRACK = "voice_track"


class Subtitles(StrEnum):
    """Subtitles: none, burned into the picture, as files, or both."""

    NONE = "none"
    BURNED = "burned"
    FILE = "file"
    BOTH = "both"

    @property
    def burned(self) -> bool:
        """True if subtitles are burned into the picture."""
        return self in (Subtitles.BURNED, Subtitles.BOTH)

    @property
    def filed(self) -> bool:
        """True if subtitles are saved as SRT and VTT files."""
        return self in (Subtitles.FILE, Subtitles.BOTH)


class VideoAspect(StrEnum):
    """Width to height of a video."""

    TALL = "9:16"
    SQUARE = "1:1"
    WIDE = "16:9"


class Resolution(StrEnum):
    """The shorter side of a video, in pixels."""

    P360 = "360p"
    P720 = "720p"
    P1080 = "1080p"

    def size(self, aspect: VideoAspect) -> tuple[int, int]:
        """Compute width and height in pixels, both even, as H.264 requires.

        >>> Resolution.P720.size(VideoAspect.TALL)
        (720, 1280)
        """
        short = int(self.value.removesuffix("p"))
        across, down = (int(side) for side in aspect.value.split(":"))
        unit = short / min(across, down)
        return round(across * unit / 2) * 2, round(down * unit / 2) * 2


class VideoParams(Params):
    """Base of the params of both video kinds.

    ``consent`` has a default, so that stored jobs of earlier versions can be read and run.
    """

    REQUEST_ONLY: ClassVar[frozenset[str]] = frozenset({"consent"})

    language: Language | None = Field(
        None,
        description="Language of the speech; when left out, that of the voice, the script or the recording.",
    )
    subtitles: Subtitles = Field(Subtitles.NONE, description="Burned into the picture, as SRT and VTT files, or both.")
    aspect: VideoAspect = Field(VideoAspect.TALL, description="Width to height.")
    resolution: Resolution = Field(Resolution.P720, description="The shorter side.")
    seed: Seed = 42
    consent: Literal[True] | None = Field(
        None,
        # Requests without it have the digest, cache key and rows that they had in earlier versions.
        exclude_if=lambda value: value is None,
        description="Must be true if a portrait of your own speaks: you confirm that whoever it shows has agreed to it."
        " The avatars of GET /avatars need none.",
    )

    def check_consent(self, own: Collection[str], /) -> None:
        """Raise ``ValueError`` if a picture of the caller's own is made to speak without consent."""
        speaking = sorted(self.speaking_roles & set(own))
        if speaking and not self.consent:
            raise ValueError(
                f"consent must be true: {', '.join(speaking)} is made to speak. Confirm that whoever it shows has"
                " agreed to it, or use an avatar of GET /avatars"
            )

    @property
    def speaking_roles(self) -> Set[str]:
        """Roles of the portraits that speak."""
        raise NotImplementedError


class RenderVideoParams(Spoken, VideoParams):
    """Params of ``render_video``. Without a script, a recorded voice is needed."""

    def check_drawable(self) -> None:
        """Check that burned-in subtitles can be drawn. Raises ``ValueError``, which names files as the way out."""
        if self.subtitles.burned:
            super().check_drawable()

    def with_voices(self, sounds: Collection[str], /) -> Self:
        """Name the voice, unless it is a recording."""
        return self if VOICE_TRACK in sounds else self.with_voice(self.language, self.script)

    def without_automatic_voices(self, sounds: Collection[str], /) -> Self:
        """Leave the voice out, unless another one would be chosen."""
        bare = self.model_copy(update={"voice": None})
        return bare if bare.with_voices(sounds).voice == self.voice else self

    @model_validator(mode="after")
    def _voice_speaks_the_language(self) -> Self:
        self.check_voice(self.language)
        return self

    @property
    def speaking_roles(self) -> Set[str]:
        """The role of the portrait."""
        return {"avatar"}

    def check_roles(self, _pictures: Collection[str], sounds: Collection[str], /) -> None:
        """Check script, voice and voice track. Raises ``ValueError`` if there is no speech, or two voices."""
        if not self.script and VOICE_TRACK not in sounds:
            raise ValueError("nothing to say: give a script, or a voice_track among the uploads")
        if self.voice is not None and VOICE_TRACK in sounds:
            raise ValueError("voice has no effect with a voice_track, which has a voice of its own")

    def check_engine(self, engine: Engine, roles: Collection[str], /) -> None:
        """Raise ``DarkroomError`` (``engine_unavailable``) if subtitles need transcription, which preview lacks."""
        if self.subtitles is not Subtitles.NONE and VOICE_TRACK in roles and not self.script:
            _require_script(engine, "the voice_track")


class RenderScenesParams(VideoParams):
    """Params of ``render_scenes``: scenes in their order, and transitions."""

    scenes: tuple[Scene, ...] = Field(min_length=MIN_SCENES, max_length=MAX_SCENES)
    transition: Transition = Field(Transition.FADE, description="Transition from one scene to the next.")
    transition_seconds: float = Field(0.5, ge=0.1, le=2, description="Seconds of a transition, except for cuts.")
    music_volume: float = Field(0.3, ge=0, le=1, description="Volume of the music; 1 is as loud as speech.")
    loudness: float = Field(
        -16, ge=-31, le=-9, description="Loudness of the video in LUFS (EBU R 128): -16 for the web, -23 for broadcast."
    )

    @model_validator(mode="after")
    def _scenes_can_be_made(self) -> Self:
        for number, scene in enumerate(self.scenes, 1):
            try:
                scene.check_voice(self.language)
            except ValueError as error:
                raise ValueError(f"scene {number}: {error}") from error
            if isinstance(scene, AvatarScene) and not scene.script and scene.voice_track is None:
                raise ValueError(f"scene {number}: nothing to say: give the avatar a script, or a voice_track")
        if sum(len(scene.script) for scene in self.scenes) > MAX_SCRIPTS_CHARACTERS:
            raise ValueError(f"the scripts have more than {MAX_SCRIPTS_CHARACTERS:,} characters together")
        if sum(scene.seconds or 0 for scene in self.scenes) > MAX_VIDEO_SECONDS:
            raise ValueError(f"the scenes last longer than {MAX_VIDEO_SECONDS} seconds, which is the limit")
        return self

    def check_drawable(self) -> None:
        """Check that burned-in subtitles can be drawn. Raises ``ValueError``, naming the scene and the way out."""
        for number, scene in enumerate(self.scenes if self.subtitles.burned else (), 1):
            try:
                scene.check_drawable()
            except ValueError as error:
                raise ValueError(f"scene {number}: {error}") from error

    def with_voices(self, _sounds: Collection[str], /) -> Self:
        """Name the voice of every scene that has no recording."""
        everything = "\n".join(scene.script for scene in self.scenes if scene.voice_track is None)
        scenes = []
        for number, scene in enumerate(self.scenes, 1):
            try:
                spoken = scene if scene.voice_track is not None else scene.with_voice(self.language, everything)
            except DarkroomError as error:
                raise DarkroomError(error.detail.code, f"Scene {number}: {error.detail.message}") from error
            scenes.append(spoken)
        return self.model_copy(update={"scenes": tuple(scenes)})

    def without_automatic_voices(self, sounds: Collection[str], /) -> Self:
        """Leave out the voice of every scene, unless another one would be chosen."""
        bare = self.model_copy(
            update={"scenes": tuple(scene.model_copy(update={"voice": None}) for scene in self.scenes)}
        )
        named = bare.with_voices(sounds).scenes
        scenes = [
            without if chosen.voice == scene.voice else scene
            for scene, without, chosen in zip(self.scenes, bare.scenes, named, strict=True)
        ]
        return self.model_copy(update={"scenes": tuple(scenes)})

    @property
    def speaking_roles(self) -> Set[str]:
        """Roles of the portraits that speak in a scene."""
        return {scene.avatar for scene in self.scenes if isinstance(scene, AvatarScene)}

    def check_roles(self, pictures: Collection[str], sounds: Collection[str], /) -> None:
        """Check the scenes' roles. Raises ``ValueError`` for a role that is missing, of the wrong type, or unused."""
        spoken_of = {MUSIC}
        for number, scene in enumerate(self.scenes, 1):
            for role, wanted, others, what in (
                (scene.picture_role, pictures, sounds, "a picture"),
                (scene.voice_track, sounds, pictures, "sound"),
            ):
                if role is None:
                    continue
                if role == MUSIC:
                    raise ValueError(f"scene {number}: {role!r} is what plays under all of it")
                if role not in wanted:
                    reason = f"is to be {what}" if role in others else "is not among the uploads"
                    raise ValueError(f"scene {number}: {role!r} {reason}")
                spoken_of.add(role)
        unused = {*pictures, *sounds} - spoken_of
        if unused:
            raise ValueError(f"no scene speaks of {', '.join(sorted(unused))}")

    def check_engine(self, engine: Engine, _roles: Collection[str], /) -> None:
        """Raise ``DarkroomError`` (``engine_unavailable``) for scenes that the preview engine does not support."""
        if engine is not Engine.PREVIEW:
            return
        for number, scene in enumerate(self.scenes, 1):
            if isinstance(scene, GeneratedScene):
                raise DarkroomError(
                    ErrorCode.ENGINE_UNAVAILABLE,
                    f"Scene {number} is to be generated, which the preview engine cannot do. "
                    'Give it a picture, or ask for the engine "models".',
                )
            if self.subtitles is not Subtitles.NONE and scene.voice_track is not None and not scene.script:
                _require_script(engine, f"the voice_track of scene {number}")


def _require_script(engine: Engine, what: str) -> None:
    if engine is Engine.PREVIEW:
        raise DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            f"The preview engine cannot hear what {what} says. Give its words as script, "
            'leave the subtitles out, or ask for the engine "models".',
        )
