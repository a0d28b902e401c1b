"""Command lines in the documentation, checked against the ``darkroom`` command and the Makefile."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

from typer.main import get_command

from darkroom.cli import app
from infra.local.cli import app as local_app
from tests.paths import ROOT

# These pass what they do not know to `python -m infra.local`.
DELEGATED = frozenset({"up", "down", "status"})
_SUBSTITUTION = re.compile(r"\$\(([^()]*)\)")
_ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")


def commands(line: str, program: str) -> Iterator[list[str]]:
    """Calls of a program in a line of shell: the words that follow its name, without redirections and comments.

    >>> list(commands("A=1 .venv/bin/darkroom run upscale me.jpg  # at once", "darkroom"))
    [['run', 'upscale', 'me.jpg']]
    >>> list(commands('curl -H "Bearer $(darkroom token)" URL && make demo', "darkroom"))
    [['token']]
    """
    for found in _SUBSTITUTION.finditer(line):
        yield from commands(found[1], program)
    try:
        lexer = shlex.shlex(_SUBSTITUTION.sub("SUBSTITUTED", line), posix=True, punctuation_chars="|&;()<>")
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:  # a line of a quotation that goes on
        return
    call: list[str] = []
    for word in [*words, ";"]:
        if re.fullmatch(r"[|&;()<>]+", word):
            while call and (_ASSIGNMENT.fullmatch(call[0]) or call[0] == "export"):
                call = call[1:]
            if call and call[0].rpartition("/")[2] == program:
                yield call[1:]
            call = []
        else:
            call.append(word)


def darkroom_problem(words: list[str]) -> str | None:
    """Return what is wrong with the words after ``darkroom``: an unknown command or flag. None if nothing is."""
    command: Any = _root()
    context = command.context_class(command, info_name="darkroom")
    rest = list(words)
    path: list[str] = []
    while rest and hasattr(command, "resolve_command") and not rest[0].startswith("-") and rest[0] != "…":
        try:
            _, command, remaining = command.resolve_command(context, rest)
        except Exception as error:
            return f"darkroom {' '.join(words)}: {error}"
        path.append(rest[0])
        rest = list(remaining)
        context = command.context_class(command, parent=context, info_name=path[-1])
    if hasattr(command, "resolve_command") and rest and rest[0] not in ("--help", "--version", "…"):
        return f"darkroom {' '.join(words)}: no such command"
    known = _flags(command, context) | {"--help", "-h"}
    if len(path) == 1 and path[0] in DELEGATED:
        local: Any = get_command(local_app)
        known |= _flags(local.commands[path[0]], context)
    unknown = [word for word in rest if re.match(r"--?[a-z]", word) and word.partition("=")[0] not in known]
    return f"darkroom {' '.join(words)}: unknown {', '.join(unknown)}" if unknown else None


def make_problem(words: list[str]) -> str | None:
    """Return what is wrong with the words after ``make``: an unknown target or variable. None if nothing is."""
    text = (ROOT / "Makefile").read_text("utf-8")
    for word in words:
        name, assigned, _ = word.partition("=")
        if assigned and not re.search(rf"\$\((?:\w+ )?{name}[),]|^{name} \?=", text, re.MULTILINE):
            return f"make {' '.join(words)}: the Makefile has no variable {name}"
        if not assigned and not word.startswith("-") and not re.search(rf"^{re.escape(word)}:", text, re.MULTILINE):
            return f"make {' '.join(words)}: the Makefile has no target {word}"
    return None


@cache
def _root() -> Any:
    return get_command(app)


def _flags(command: Any, context: Any) -> set[str]:
    return {flag for each in command.get_params(context) for flag in (*each.opts, *each.secondary_opts)}
