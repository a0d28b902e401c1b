"""What a picture on disk looks like from outside, for the contract's ``Upload``. Nothing is decoded here."""

import hashlib
import mimetypes
from pathlib import Path
from typing import get_args

from pipeline.uploads import MAX_UPLOAD_BYTES, ContentType, Upload, content_type_of

CONTENT_TYPES: tuple[ContentType, ...] = get_args(ContentType)
EXTENSIONS: dict[str, str] = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}


def extension(declared: str) -> str:
    """What a file of this content type is called at its end.

    >>> extension("image/png"), extension("application/zip")
    ('.png', '.bin')
    """
    return EXTENSIONS.get(declared, ".bin")


def content_type(path: Path) -> ContentType:
    """The type by the file's first bytes, else by its extension, else JPEG. Raises ``OSError``.

    Whether a file is a good picture is the service's to judge, with its own codes: a file that is none is declared
    as what it claims to be, and refused there.
    """
    with path.open("rb") as file:
        head = file.read(12)
    shown = content_type_of(head)
    if shown is not None:
        return shown
    guessed, _ = mimetypes.guess_type(path.name)
    return next((known for known in CONTENT_TYPES if known == guessed), "image/jpeg")


def sha256(path: Path) -> str:
    """SHA-256 of the file, lower-case hex. Raises ``OSError``."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe(path: Path) -> Upload:
    """What is going to be uploaded. Raises ``OSError`` when the file cannot be read.

    The size is left out where the contract has no room for it (empty, too large): the storage refuses such a file
    with the right code.
    """
    size = path.stat().st_size
    document = {"content_type": content_type(path), "sha256": sha256(path)}
    return Upload.model_validate({**document, "size": size} if 1 <= size <= MAX_UPLOAD_BYTES else document)
