"""Scripts: text to be spoken, given directly or read from a text file."""

import sys

from darkroom.client.input_folder import InputFolder
from darkroom.contract.spoken import MAX_SCRIPT_CHARACTERS

FILE = "@"
STANDARD_INPUT = "-"
# Bytes read of a text file; every valid script is far smaller.
MAX_BYTES = 1024 * 1024


def read(word: str, folder: InputFolder = InputFolder()) -> str:  # noqa: B008 - frozen
    """Return the script that ``word`` stands for: itself, or the text of a file.

    ``@hello.txt`` is the text of that file, UTF-8, within ``folder``; ``@-`` is that of standard input; ``@@home`` is
    the text ``@home``. Raises ``ValueError`` for a file that is missing, not text or empty, and for more than 5,000
    characters, and for a path that leads out of a confined ``folder``.
    """
    if word.startswith(FILE * 2):
        return checked(word[1:], "the script")
    if not word.startswith(FILE):
        return checked(word, "the script")
    name = word.removeprefix(FILE)
    if not name:
        raise ValueError("@ stands before the name of a text file, as in @hello.txt")
    text = _decoded(_content(name, folder), name)
    if not text.strip():
        raise ValueError(f"{_describe(name)} has nothing to say: it is empty")
    return checked(text, _describe(name))


def checked(text: str, what: str) -> str:
    """Return the text, stripped. Raises ``ValueError`` when it is too long to be spoken."""
    text = text.strip()
    if len(text) > MAX_SCRIPT_CHARACTERS:
        raise ValueError(f"{what} has {len(text):,} characters; {MAX_SCRIPT_CHARACTERS:,} are the most")
    return text


def _content(name: str, folder: InputFolder) -> bytes:
    if name == STANDARD_INPUT:
        folder.require_standard_input()
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    path = folder.locate(name)
    if path.suffix.lower() in (".srt", ".vtt"):
        raise ValueError(f"{_describe(name)} holds subtitles, with times that would be spoken: give the words alone")
    if not path.exists():
        raise ValueError(f"{_describe(name)} does not exist")
    if path.is_dir():
        raise ValueError(f"{name!r} is a directory")
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{_describe(name)} cannot be read: {error.strerror}") from error


def _decoded(content: bytes, name: str) -> str:
    if b"\0" not in content and len(content) > MAX_BYTES:
        raise ValueError(f"{_describe(name)} is larger than 1 MB; {MAX_SCRIPT_CHARACTERS:,} characters are the most")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{_describe(name)} is no text in UTF-8") from error
    if "\0" in text:
        raise ValueError(f"{_describe(name)} is no text in UTF-8")
    return text


def _describe(name: str) -> str:
    return "standard input" if name == STANDARD_INPUT else f"the file {name!r}"
