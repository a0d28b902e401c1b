"""Printer of log lines, and the option for their age: shared by the logs of local stacks and of deployments."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import typer

from darkroom.cli.output import echo
from infra.local.log_lines import LogLine

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _since(text: str | None) -> str | None:
    if text is None or re.fullmatch(r"[0-9]{1,6}[smhd]", text):
        return text
    raise typer.BadParameter("give a number with s, m, h or d, such as 10m")


SinceFlag = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Only lines of the last 30s, 10m, 2h or 1d.",
        callback=_since,
        show_default=False,
    ),
]


def seconds_of(since: str) -> int:
    """Return the seconds of a valid age.

    >>> seconds_of("10m")
    600
    """
    return int(since[:-1]) * _SECONDS[since[-1]]


def print_lines(lines: Iterable[LogLine]) -> None:
    """Print lines: time, who wrote it, level, text."""
    for line in lines:
        moment = datetime.fromtimestamp(line.time).astimezone()
        # Lines of a text that are not its first cannot pass for lines of others.
        text = line.text.rstrip().replace("\n", "\n    ")
        echo(f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}  {line.source:<9}  {line.level or '':<7}  {text}")
