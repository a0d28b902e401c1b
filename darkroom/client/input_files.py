"""Input files: content to upload, from a path, bytes, an open file or a picture of Pillow."""

import hashlib
import io
import re
import sys
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import IO, Any, Protocol, TypeAlias

from darkroom.contract.file_signatures import SIGNATURE_BYTES
from darkroom.contract.uploads import MAX_AUDIO_BYTES, MAX_UPLOAD_BYTES

# A larger file is rejected by the storage with the right code, so there is no need to hold more of it.
LONGEST_READ = MAX_AUDIO_BYTES + 1
JPEG_QUALITY = 95


class BinaryFile(Protocol):
    """Interface of an open file that is read: ``open(path, "rb")``, ``io.BytesIO``, the body of a response."""

    def read(self, size: int = ..., /) -> bytes:
        """Return at most ``size`` bytes; none at the end."""


class PillowPicture(Protocol):
    """Interface of ``PIL.Image.Image``. Pillow itself is imported only by those who have such a picture."""

    @property
    def mode(self) -> str:
        """Pixel format, such as ``RGB``."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""

    def convert(self, mode: str, /) -> Any:
        """Return the picture in another pixel format."""

    def save(self, fp: IO[bytes], format: str, /, **params: Any) -> None:  # noqa: A002 - Pillow's name
        """Write the picture to a file."""


@dataclass(frozen=True)
class InputFile:
    """Content of one upload: a file on disk, which is streamed, or bytes. ``name`` is a file name, if there is one."""

    content: Path | bytes = field(repr=False)
    name: str | None = None

    @property
    def label(self) -> str:
        """The file for messages: its name, or words."""
        return "the content" if self.name is None else repr(self.name)

    @property
    def size(self) -> int:
        """Number of bytes. Raises ``OSError``."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    def open(self) -> io.BytesIO | io.BufferedReader:
        """Return a new file that reads from the start. Raises ``OSError``."""
        return io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")

    def first_bytes(self) -> bytes:
        """Return the bytes that tell the content type. Raises ``OSError``."""
        with self.open() as file:
            return file.read(SIGNATURE_BYTES)

    def sha256(self) -> str:
        """Return the SHA-256, lower-case hex. Raises ``OSError``."""
        with self.open() as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


FileSource: TypeAlias = str | PathLike[str] | bytes | bytearray | memoryview | BinaryFile | PillowPicture | InputFile
"""A source with content: a path, bytes, an open binary file, or a picture of Pillow."""


def input_file(source: FileSource) -> InputFile:
    """Return the content of a source. An open file is read once, from its current position, and stays open.

    A picture of Pillow is turned by its EXIF orientation and encoded as PNG, without loss. If that is larger than
    the contract allows, an opaque picture is encoded as JPEG. Raises ``OSError`` for an unreadable file and
    ``TypeError`` for anything else, such as a file opened as text.

    >>> input_file(b"GIF89a").size, input_file("photos/room.jpg").name
    (6, 'room.jpg')
    """
    if isinstance(source, InputFile):
        return source
    if isinstance(source, bytes | bytearray | memoryview):
        return InputFile(bytes(source))
    if isinstance(source, str | PathLike):
        path = Path(source)
        return InputFile(path, _unicode(path.name))
    if _is_pillow(source):
        return InputFile(_encoded(source))
    if callable(getattr(source, "read", None)):
        return _read(source)
    raise TypeError(f"a {type(source).__name__} is no source: give a path, bytes, an open binary file or a picture")


def _read(file: Any) -> InputFile:
    content = bytearray()
    while len(content) < LONGEST_READ:
        chunk = file.read(LONGEST_READ - len(content))
        if not isinstance(chunk, bytes):
            raise TypeError(
                f'the file gives {type(chunk).__name__}, not bytes: open it in binary mode, open(path, "rb")'
            )
        if not chunk:
            break
        content += chunk
    name = getattr(file, "name", None)
    return InputFile(bytes(content), _unicode(Path(name).name) if isinstance(name, str) else None)


def _unicode(name: str) -> str:
    """Return a file's name with a replacement character for each byte that is no Unicode."""
    return re.sub("[\ud800-\udfff]", "\ufffd", name)


def _is_pillow(source: Any) -> bool:
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(source, module.Image)


def _encoded(picture: Any) -> bytes:
    from PIL import ImageOps  # noqa: PLC0415 - whoever has such a picture has Pillow

    turned = ImageOps.exif_transpose(picture)
    if turned.mode not in {"1", "L", "LA", "P", "RGB", "RGBA"}:
        turned = turned.convert("RGBA" if turned.mode in {"PA", "La", "RGBa"} else "RGB")
    png = _saved(turned, "PNG")
    if len(png) <= MAX_UPLOAD_BYTES or turned.mode not in {"L", "RGB"}:
        return png
    return _saved(turned, "JPEG", quality=JPEG_QUALITY)


def _saved(picture: Any, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, icc_profile=picture.info.get("icc_profile"), **options)
    return buffer.getvalue()
