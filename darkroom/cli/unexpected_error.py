"""Last resort of the command: an error that nothing has handled, in one sentence instead of a traceback."""

import sys
import traceback
from dataclasses import dataclass

from darkroom.cli.output import echo, fail_output
from darkroom.client.errors import ClientError

# EX_SOFTWARE of sysexits.h: neither the job nor the usage is at fault.
EXIT_CODE = 70
VARIABLE = "DARKROOM_DEBUG"


@dataclass
class ErrorOptions:
    """What is printed of errors: with ``debug``, their tracebacks, too."""

    debug: bool = False


def report_unexpected_error(error: Exception, options: ErrorOptions) -> int:
    """Print an unhandled error to stderr, with its notes, such as the job that it leaves; return the exit code."""
    try:
        if isinstance(error, OSError):
            _flush_output()
    except ClientError as unwritable:
        error = unwritable
    if isinstance(error, ClientError):  # of an option such as --version, which is handled before a command is invoked
        return report_client_error(error, options)
    if options.debug:
        print_traceback(error)
    reason = next(iter(str(error).splitlines()), "").rstrip(".")
    what = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
    hint = "" if options.debug else f" {VARIABLE}=1 shows where."
    echo(f"darkroom: unexpected: {what}.{hint}", err=True)
    print_notes(error)
    return EXIT_CODE


def report_client_error(error: ClientError, options: ErrorOptions, again: str = "") -> int:
    """Print an error of the SDK in one line, with its notes; return the exit code. ``again`` says when to try again."""
    if options.debug:
        print_traceback(error)
    echo(f"darkroom: {error.code}: {error.message}{again}", err=True)
    print_notes(error)
    return 1


def print_notes(error: BaseException) -> None:
    """Print the notes of an error, a line each."""
    for note in getattr(error, "__notes__", ()):
        echo(note, err=True)


def print_traceback(error: BaseException) -> None:
    """Print the traceback of an error, without its notes."""
    notes, error.__notes__ = getattr(error, "__notes__", []), []
    echo("".join(traceback.format_exception(error)), err=True, nl=False)
    error.__notes__ = notes


def _flush_output() -> None:
    """Raise ``ClientError`` if stdout cannot be written. What a failed write has left is written again here."""
    try:
        sys.stdout.flush()
    except OSError as error:
        fail_output(error)
