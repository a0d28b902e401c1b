"""Media files: content type, size and SHA-256 of pictures and audio files, without decoding."""

import mimetypes
from pathlib import Path
from typing import get_args

from darkroom.client.input_files import InputFile
from darkroom.contract.file_signatures import ACCEPTED_AUDIO, audio_type_of, content_type_of
from darkroom.contract.media_types import canonical, essence
from darkroom.contract.uploads import AudioType, AudioUpload, ContentType, Upload, byte_limit

CONTENT_TYPES: tuple[ContentType, ...] = get_args(ContentType)
EXTENSIONS: dict[str, str] = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/heic": ".heic",
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
    ".3gp": "audio/mp4",
    ".aac": "audio/aac",
    ".adts": "audio/aac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".flac": "audio/flac",
    ".webm": "audio/webm",
    ".weba": "audio/webm",
    ".amr": "audio/amr",
    ".awb": "audio/amr",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".aifc": "audio/aiff",
    ".caf": "audio/x-caf",
}


def extension(declared: str) -> str:
    """Return the file extension of a content type.

    >>> extension("image/png"), extension("text/vtt; charset=utf-8"), extension("application/zip")
    ('.png', '.vtt', '.bin')
    """
    return EXTENSIONS.get(essence(declared), ".bin")


def content_type(file: InputFile) -> ContentType:
    """Return the picture's type by its first bytes, else by its extension, else JPEG. Raises ``OSError``.

    The service decides if a file is valid, with its own error codes. A file that is no picture is declared by its
    extension and rejected there.
    """
    detected = content_type_of(file.first_bytes())
    if detected is not None:
        return detected
    guessed, _ = mimetypes.guess_type(file.name or "")
    return next((known for known in CONTENT_TYPES if known == canonical(guessed or "")), "image/jpeg")


def audio_type(file: InputFile) -> AudioType:
    """Return the audio type by the file's first bytes, else by its extension.

    Raises ``ValueError`` for a file that is no audio by either, and ``OSError``. The service decides if it has an audio
    stream.
    """
    head = file.first_bytes()
    found = audio_type_of(head)
    if found is None and content_type_of(head) is None:
        found = SOUND_EXTENSIONS.get(Path(file.name or "").suffix.lower())
    if found is None:
        raise ValueError(f"{file.label} is no sound file: give {ACCEPTED_AUDIO}")
    return found


def looks_like_audio(file: InputFile) -> bool:
    """Return True if the file's first bytes are those of audio or video. Raises ``OSError``."""
    return audio_type_of(file.first_bytes()) is not None


def describe_picture(file: InputFile) -> Upload:
    """Return the declaration of a picture to upload. Raises ``OSError`` when the file cannot be read.

    The size is left out if the contract does not allow it (empty, too large): S3 rejects such a file with the right
    code.
    """
    declared = content_type(file)
    return Upload(content_type=declared, sha256=file.sha256(), **_size(file, declared))


def describe_audio(file: InputFile) -> AudioUpload:
    """Return the declaration of an audio file, as ``describe_picture`` does. Raises ``ValueError`` as
    ``audio_type``.
    """
    declared = audio_type(file)
    return AudioUpload(content_type=declared, sha256=file.sha256(), **_size(file, declared))


def _size(file: InputFile, declared: str) -> dict[str, int]:
    size = file.size
    return {"size": size} if 1 <= size <= byte_limit(declared) else {}
