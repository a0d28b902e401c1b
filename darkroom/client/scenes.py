"""Scene files: JSON files for ``render_scenes`` that name files in place of roles."""

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from darkroom.client import script
from darkroom.client.errors import ScenesError
from darkroom.client.input_folder import InputFolder
from darkroom.client.sources import Models, NamedSource, allowed_models, parse_source
from darkroom.contract.kinds import Kind
from darkroom.contract.scenes import Scene
from darkroom.contract.uploads import AssetReference, AudioUpload, AvatarReference, Upload
from darkroom.contract.video_params import MAX_SCENES, MIN_SCENES, MUSIC, VOICE_TRACK

SCENES = "scenes"
SCRIPT = "script"
# Fields of a scene that name a source: the suffix of its role, and the allowed kinds of sources.
_FIELDS: dict[str, tuple[str, Models]] = {
    "picture": ("picture", frozenset({Upload, AssetReference})),
    "avatar": ("avatar", frozenset({Upload, AssetReference, AvatarReference})),
    VOICE_TRACK: ("voice", frozenset({AudioUpload})),
}


def read(path: str | PathLike[str], *, allow_outside: bool = False) -> tuple[dict[str, Any], dict[str, NamedSource]]:
    """Read the params and sources of ``render_scenes`` from a JSON file.

    The file holds the params. Where the params have a role, it has a path (relative to the file), ``asset:ID`` or an
    avatar's name. A script may be ``@hello.txt``, the contents of a text file. ``music`` is a path, too:

        {"scenes": [{"type": "image", "picture": "room.jpg", "script": "This is our room."},
                    {"type": "avatar", "avatar": "amara", "script": "@hello.txt"}],
         "music": "bed.mp3", "subtitles": "both"}

    Paths stay within the file's folder, also those of symbolic links, unless ``allow_outside`` is true.
    Each source gets one role, however often it is named. Raises ``ScenesError``, which names the scene and the field,
    for invalid JSON, missing scenes, or sources that do not exist. Everything else is validated by the contract.

    >>> params, sources = read("trailer.json")  # doctest: +SKIP
    >>> job = darkroom.run("render_scenes", sources, **params)  # doctest: +SKIP
    """
    file = Path(path)
    params = _document(file)
    scenes = params.get(SCENES)
    if not isinstance(scenes, list):
        raise ScenesError(f'{str(path)!r} has no list of "{SCENES}"')
    if not MIN_SCENES <= len(scenes) <= MAX_SCENES:
        raise ScenesError(f"{MIN_SCENES} to {MAX_SCENES} scenes make a video, not {len(scenes)}")
    folder = InputFolder(file.parent, confined=not allow_outside)
    sources: dict[str, NamedSource] = {}
    params[SCENES] = [_scene(number, scene, folder, sources) for number, scene in enumerate(scenes, 1)]
    music = params.pop(MUSIC, None)
    if music is not None:
        sources[MUSIC] = _parse_named_source(music, allowed_models(Kind.RENDER_SCENES, MUSIC), folder, f"{MUSIC}: ")
    return params, sources


def problem(error: ValidationError) -> str:
    """Return the first validation error in words, with the number of the scene and the name of the field."""
    first = error.errors()[0]
    path = first["loc"][1:] if first["loc"][:1] == ("params",) else first["loc"]
    message = first["msg"].removeprefix("Value error, ")
    if path[:1] != (SCENES,) or len(path) < 2:
        return ": ".join([*map(str, path), message])
    if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
        message = f"type: choose one of: {', '.join(_types())}"
    # path[2] is the union tag (the type of the scene), not a field.
    return ": ".join([f"scene {int(path[1]) + 1}", *map(str, path[3:]), message])


def _document(file: Path) -> dict[str, Any]:
    if file.is_dir():
        raise ScenesError(f"{str(file)!r} is a directory")
    try:
        found = json.loads(file.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise ScenesError(f"the file {str(file)!r} does not exist") from None
    except OSError as error:
        raise ScenesError(f"the file {str(file)!r} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScenesError(f"{str(file)!r} is no JSON: it is no text in UTF-8") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ScenesError(f"{str(file)!r} is no JSON: {where}: {error.msg}") from error
    except (RecursionError, ValueError) as error:  # thousands of brackets or digits
        raise ScenesError(f"{str(file)!r} is no scenes file: its JSON is too deep, or has a number too long") from error
    if not isinstance(found, dict):
        raise ScenesError(f'{str(file)!r} is to hold one object, {{"{SCENES}": […]}}')
    return found


def _scene(number: int, scene: Any, folder: InputFolder, sources: dict[str, NamedSource]) -> Any:
    """Return the scene with roles in place of sources, and with its script read; adds new sources to ``sources``."""
    if not isinstance(scene, Mapping):
        raise ScenesError(f'scene {number} is to be an object, {{"type": …}}')
    found = dict(scene)
    if isinstance(found.get(SCRIPT), str):
        try:
            found[SCRIPT] = script.read(found[SCRIPT], folder)
        except ValueError as error:
            raise ScenesError(f"scene {number}: {SCRIPT}: {error}") from error
    for field, (suffix, allowed) in _FIELDS.items():
        if found.get(field) is not None:
            source = _parse_named_source(found[field], allowed, folder, f"scene {number}: {field}: ")
            found[field] = _role(source, f"scene_{number}_{suffix}", sources)
    return found


def _parse_named_source(word: Any, allowed: Models, folder: InputFolder, where: str) -> NamedSource:
    if not isinstance(word, str) or not word:
        raise ScenesError(f"{where}write the path of a file")
    try:
        return parse_source(word, allowed, folder)
    except (ValueError, OSError) as error:
        raise ScenesError(f"{where}{error}") from error


def _role(source: NamedSource, role: str, sources: dict[str, NamedSource]) -> str:
    """Return the role of an equal source, or add the source as ``role``."""
    for known, other in sources.items():
        if _is_same_source(source, other):
            return known
    sources[role] = source
    return role


def _is_same_source(one: NamedSource, other: NamedSource) -> bool:
    if isinstance(one, Path) and isinstance(other, Path):
        return one.samefile(other)
    return one == other


def _types() -> list[str]:
    union = get_args(Scene)[0]
    kinds: tuple[type[BaseModel], ...] = get_args(union)
    return [get_args(kind.model_fields["type"].annotation)[0] for kind in kinds]
