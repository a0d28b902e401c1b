"""Terminal output: everything that the commands print goes through here, so that no text can control the terminal.

Names, prompts, messages of a service and contents of files may come from strangers. Their control characters are
printed as ``\\u001b``, which is also valid in JSON, and square brackets are no markup.
"""

import re

import typer

# Escape sequences and other control characters but tab and new line, separators, overrides of the text direction, and
# halves of surrogate pairs, which cannot be printed.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def neutralised(text: object) -> str:
    r"""Return the text with ``\uXXXX`` in place of each character that controls a terminal.

    >>> neutralised("a\x1b[31mb\u202ec")
    'a\\u001b[31mb\\u202ec'
    """
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", str(text))


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print neutralised text to stdout, or to stderr with ``err``."""
    typer.echo(neutralised(text), err=err, nl=nl)
