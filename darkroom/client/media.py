"""Media files: content type, size and SHA-256 of pictures and audio files, without decoding."""

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
# Extensions of audio files. The mimetypes module depends on the system.
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
_SIGNATURE_BYTES = 12


def extension(declared: str) -> str:
    """Return the file extension of a content type.

    >>> extension("image/png"), extension("text/vtt; charset=utf-8"), extension("application/zip")
    ('.png', '.vtt', '.bin')
    """
    return EXTENSIONS.get(declared.partition(";")[0].strip(), ".bin")


def content_type(path: Path) -> ContentType:
    """Return the picture's type by its first bytes, else by its extension, else JPEG. Raises ``OSError``.

    The service decides if a file is valid, with its own error codes. A file that is no picture is declared by its
    extension and rejected there.
    """
    detected = content_type_of(_first_bytes(path))
    if detected is not None:
        return detected
    guessed, _ = mimetypes.guess_type(path.name)
    return next((known for known in CONTENT_TYPES if known == guessed), "image/jpeg")


def audio_type(path: Path) -> AudioType:
    """Return the audio type by the file's first bytes, else by its extension.

    Raises ``ValueError`` for a file that is no audio by either, and ``OSError``. The service decides if it has an audio
    stream.
    """
    head = _first_bytes(path)
    found = audio_type_of(head)
    if found is None and content_type_of(head) is None:
        found = SOUND_EXTENSIONS.get(path.suffix.lower())
    if found is None:
        raise ValueError(f"{path.name!r} is no sound file: give WAV, MP3, MP4 (M4A), Ogg, FLAC or WebM")
    return found


def looks_like_audio(path: Path) -> bool:
    """Return True if the file's first bytes are those of audio or video. Raises ``OSError``."""
    return audio_type_of(_first_bytes(path)) is not None


def sha256(path: Path) -> str:
    """Return the SHA-256 of the file, lower-case hex. Raises ``OSError``."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe_picture(path: Path) -> Upload:
    """Return the declaration of a picture to upload. Raises ``OSError`` when the file cannot be read.

    The size is left out if the contract does not allow it (empty, too large): S3 rejects such a file with the right
    code.
    """
    declared = content_type(path)
    return Upload(content_type=declared, sha256=sha256(path), **_size(path, declared))


def describe_audio(path: Path) -> AudioUpload:
    """Return the declaration of an audio file, as ``describe_picture`` does. Raises ``ValueError`` as
    ``audio_type``.
    """
    declared = audio_type(path)
    return AudioUpload(content_type=declared, sha256=sha256(path), **_size(path, declared))


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_SIGNATURE_BYTES)


def _size(path: Path, declared: str) -> dict[str, int]:
    size = path.stat().st_size
    return {"size": size} if 1 <= size <= byte_limit(declared) else {}
