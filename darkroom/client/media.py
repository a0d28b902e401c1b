"""What a picture or a sound file looks like from outside, for the contract's uploads. Nothing is decoded here."""

import hashlib
import mimetypes
from pathlib import Path
from typing import get_args

from darkroom.contract.uploads import (
    AudioType,
    AudioUpload,
    ContentType,
    Upload,
    audio_type_of,
    byte_limit,
    content_type_of,
)

CONTENT_TYPES: tuple[ContentType, ...] = get_args(ContentType)
EXTENSIONS: dict[str, str] = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "application/x-subrip": ".srt",
    "text/vtt": ".vtt",
}
# What the names of sound files end in; what systems know of it differs.
SOUND_EXTENSIONS: dict[str, AudioType] = {
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".mp4": "audio/mp4",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".flac": "audio/flac",
    ".webm": "audio/webm",
    ".weba": "audio/webm",
}
_HEAD = 12


def extension(declared: str) -> str:
    """What a file of this content type is called at its end.

    >>> extension("image/png"), extension("text/vtt; charset=utf-8"), extension("application/zip")
    ('.png', '.vtt', '.bin')
    """
    return EXTENSIONS.get(declared.partition(";")[0].strip(), ".bin")


def content_type(path: Path) -> ContentType:
    """The picture's type by the file's first bytes, else by its extension, else JPEG. Raises ``OSError``.

    Whether a file is a good picture is the service's to judge, with its own codes: a file that is none is declared
    as what it claims to be, and refused there.
    """
    shown = content_type_of(_head(path))
    if shown is not None:
        return shown
    guessed, _ = mimetypes.guess_type(path.name)
    return next((known for known in CONTENT_TYPES if known == guessed), "image/jpeg")


def audio_type(path: Path) -> AudioType:
    """The sound's type by the file's first bytes, else by its extension.

    Raises ``ValueError`` for a file that neither is sound nor claims to be, and ``OSError``. Whether sound can be heard
    in it is the service's to judge.
    """
    head = _head(path)
    found = audio_type_of(head)
    if found is None and content_type_of(head) is None:
        found = SOUND_EXTENSIONS.get(path.suffix.lower())
    if found is None:
        raise ValueError(f"{path.name!r} is no sound file: give WAV, MP3, MP4 (M4A), Ogg, FLAC or WebM")
    return found


def looks_like_audio(path: Path) -> bool:
    """Whether the file's first bytes are those of sound, or of a film. Raises ``OSError``."""
    return audio_type_of(_head(path)) is not None


def sha256(path: Path) -> str:
    """SHA-256 of the file, lower-case hex. Raises ``OSError``."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe_picture(path: Path) -> Upload:
    """The picture that is going to be uploaded. Raises ``OSError`` when the file cannot be read.

    The size is left out where the contract has no room for it (empty, too large): the storage refuses such a file
    with the right code.
    """
    declared = content_type(path)
    return Upload(content_type=declared, sha256=sha256(path), **_size(path, declared))


def describe_audio(path: Path) -> AudioUpload:
    """The sound that is going to be uploaded, as ``describe`` does. Raises ``ValueError`` as ``audio_type`` does."""
    declared = audio_type(path)
    return AudioUpload(content_type=declared, sha256=sha256(path), **_size(path, declared))


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _size(path: Path, declared: str) -> dict[str, int]:
    size = path.stat().st_size
    return {"size": size} if 1 <= size <= byte_limit(declared) else {}
