"""Input sources of a job's roles: a file, its content, an asset of the library, or an avatar."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel, ValidationError

from darkroom.client.input_files import FileSource, input_file
from darkroom.client.input_folder import InputFolder
from darkroom.client.media import audio_type, looks_like_audio
from darkroom.contract.avatars import avatars
from darkroom.contract.kinds import Kind
from darkroom.contract.requests import uploads_model
from darkroom.contract.uploads import AssetReference, AudioUpload, AvatarReference

Source: TypeAlias = FileSource | AssetReference | AvatarReference
"""A source of a role: a file or its content, a picture of the caller's library, or a portrait of the service."""

NamedSource: TypeAlias = Path | AssetReference | AvatarReference
"""A source that a word of a command line or of a scene file can name."""

ASSET = "asset:"
AVATAR = "avatar:"

Models = frozenset[type[BaseModel]]


def allowed_models(kind: Kind, role: str) -> Models:
    """Return the contract's source models that are allowed for a role of a kind.

    >>> AvatarReference in allowed_models(Kind.RENDER_VIDEO, "avatar")
    True
    >>> AudioUpload in allowed_models(Kind.INPAINT, "mask")
    False
    """
    return frozenset(_classes(uploads_model(kind).model_fields[role].annotation))


def expects_audio(kind: Kind, role: str, params: Mapping[str, Any]) -> bool:
    """Return True if the role is for audio, by the contract or by the scenes in the params."""
    if role in uploads_model(kind).model_fields:
        return AudioUpload in allowed_models(kind, role)
    scenes = params.get("scenes")
    return isinstance(scenes, list | tuple) and any(_voice_track(scene) == role for scene in scenes)


def parse_source(word: str, allowed: Models, folder: InputFolder = InputFolder()) -> NamedSource:  # noqa: B008 - frozen
    """Return the source that ``word`` names: ``asset:`` and an id, the path of a file in ``folder``, or an avatar.

    A plain avatar name is accepted where an avatar is ``allowed`` and no file has this name; ``avatar:amara`` always
    means the avatar. Raises ``ValueError`` for a source that does not exist, is not allowed, or has the wrong type,
    and for a path that leads out of a confined ``folder``.
    """
    if word.startswith(ASSET):
        return _asset(word.removeprefix(ASSET), allowed)
    if word.startswith(AVATAR):
        return _avatar(word.removeprefix(AVATAR), allowed)
    by_name = AvatarReference in allowed
    path = folder.locate(word)
    if by_name and word in avatars() and not path.is_file():
        return AvatarReference(avatar=word)
    if not path.exists():
        neither = f", nor is there an avatar of this name; {_list_avatars()}" if by_name else ""
        raise ValueError(f"the file {word!r} does not exist{neither}")
    if path.is_dir():
        raise ValueError(f"{word!r} is a directory")
    if not os.access(path, os.R_OK):
        raise ValueError(f"the file {word!r} is not readable")
    if AudioUpload in allowed:
        audio_type(input_file(path))
    elif looks_like_audio(input_file(path)):
        raise ValueError(f"{word!r} is sound or a film, and a picture is wanted")
    return path


def _asset(word: str, allowed: Models) -> AssetReference:
    if AssetReference not in allowed:
        raise ValueError("a sound file is wanted: the library has pictures alone")
    try:
        return AssetReference(asset_id=word)
    except ValidationError:
        raise ValueError(f"{word!r} is no asset's id (32 hex digits); `darkroom assets list` shows yours") from None


def _avatar(word: str, allowed: Models) -> AvatarReference:
    if AvatarReference not in allowed:
        raise ValueError(f"no avatar may stand here: give a {'sound' if AudioUpload in allowed else 'picture'} file")
    try:
        return AvatarReference(avatar=word)
    except ValidationError:
        raise ValueError(f"there is no avatar {word!r}; {_list_avatars()}") from None


def _list_avatars() -> str:
    return f"`darkroom avatars` shows them: {', '.join(avatars())}"


def _voice_track(scene: Any) -> Any:
    return scene.get("voice_track") if isinstance(scene, Mapping) else getattr(scene, "voice_track", None)


def _classes(annotation: Any) -> list[type[BaseModel]]:
    """Return the pydantic models in an annotation, however they are nested."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _classes(part)]
