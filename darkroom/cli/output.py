"""Terminal output: everything that the commands print goes through here, so that no text can control the terminal.

Names, prompts, messages of a service and contents of files may come from strangers. Their control characters are
printed as ``\\u001b``, which is also valid in JSON, and square brackets are no markup. So are characters that the
encoding of the output does not have.
"""

import codecs
import io
import json
import os
import re
import signal
import sys
from contextlib import suppress
from typing import NoReturn, TextIO

import typer

from darkroom.cli.termination import interrupted
from darkroom.client.errors import ClientError

# Escape sequences and other control characters but tab and new line, separators, overrides of the text direction, and
# halves of surrogate pairs, which cannot be printed.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_JSON_ESCAPES = "darkroom.json_escapes"
# That of a program that the signal of a broken pipe has ended, in a shell.
BROKEN_PIPE_EXIT_CODE = 128 + getattr(signal, "SIGPIPE", 13)


def neutralised(text: object) -> str:
    r"""Return the text with ``\uXXXX`` in place of each character that controls a terminal.

    >>> neutralised("a\x1b[31mb\u202ec")
    'a\\u001b[31mb\\u202ec'
    """
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", str(text))


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print neutralised text to stdout, or to stderr with ``err``.

    Raises ``ClientError`` (``unwritable_output``) if stdout cannot be written, such as to a full disk. A message that
    cannot be written to stderr is lost, as it must not stop the work. If the reader of a pipe has gone, exits silently.
    After an interrupt, output that cannot be written is lost, too: Ctrl-C in a pipeline ends the reader, and cleaning
    up must go on.
    """
    try:
        typer.echo(neutralised(text), err=err, nl=nl)
    except OSError as error:
        if not err and not interrupted():
            fail_output(error)
        discard(sys.stderr if err else sys.stdout)


def fail_output(error: OSError) -> NoReturn:
    """Raise the error of a failed write to stdout: ``ClientError``, or ``SystemExit`` if a pipe has no reader."""
    discard(sys.stdout)
    if isinstance(error, BrokenPipeError):
        raise SystemExit(BROKEN_PIPE_EXIT_CODE) from error
    raise ClientError(
        "unwritable_output", f"Standard output cannot be written: {error.strerror or type(error).__name__}."
    ) from error


def discard(stream: TextIO) -> None:
    """Discard what a stream holds and all that follows, so that the end of the interpreter writes nothing to it."""
    with suppress(OSError, ValueError, AttributeError):  # a stream without a file, in tests
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)


def escape_what_streams_cannot_encode() -> None:
    r"""Make stdout and stderr print ``\uXXXX`` for characters that their encoding does not have, as JSON reads them."""
    codecs.register_error(_JSON_ESCAPES, _json_escapes)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_JSON_ESCAPES)


def _json_escapes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
