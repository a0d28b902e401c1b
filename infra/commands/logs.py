"""``darkroom logs``: the lines of functions and container of a local stack, in order of time."""

import os
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from darkroom.cli.output import echo
from darkroom.client.errors import LocalStackError
from darkroom.client.local_stack import FOLDER, find_running_stack
from infra.commands.log_printer import SinceFlag, print_lines, seconds_of
from infra.commands.stack import RunningPortFlag
from infra.local import runtime
from infra.local.clients import Clients
from infra.local.log_lines import LogLine
from infra.local.logs import StackLogs, follow, running_logs, stopped_logs
from infra.local.stand_in import LOG
from infra.local.state import RootKey

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def _level(text: str | None) -> str | None:
    if text is None or text.upper() in LEVELS:
        return text and text.upper()
    raise typer.BadParameter(f"choose one of: {', '.join(LEVELS).lower()}")


def _job(text: str | None) -> str | None:
    if text is None or re.fullmatch(r"[0-9a-f]{32}", text.strip().lower()):
        return text and text.strip().lower()
    raise typer.BadParameter("a job's id has 32 characters, as `darkroom jobs list` prints it")


@app.command(epilog="Example:  darkroom logs --follow --level warning")
def logs(
    port: RunningPortFlag = None,
    following: Annotated[bool, typer.Option("--follow", "-f", help="Show lines as they come, until Ctrl-C.")] = False,
    job: Annotated[
        str | None,
        typer.Option("--job", metavar="ID", help="Only lines that name this job.", callback=_job, show_default=False),
    ] = None,
    level: Annotated[
        str | None,
        typer.Option(
            "--level", metavar="LEVEL", help="Only lines of this level or above.", callback=_level, show_default=False
        ),
    ] = None,
    since: SinceFlag = None,
) -> None:
    """Show the lines of the local stack's functions and container, in order of time: who wrote each, and tracebacks.

    Of a stopped stack, the lines of container, endpoint and emulator are shown. Exit code 1 if there is no stack.
    """
    started = 0.0 if since is None else time.time() - seconds_of(since)
    folder = _folder(port)
    try:
        found, running = _open(folder, started)
        if not running:
            if following:
                raise LocalStackError(f"Nothing to follow: the stack on port {folder.name} does not run.")
            echo(
                f"The stack on port {folder.name} does not run. What its functions wrote can be read when it does.",
                err=True,
            )
        elif following:
            echo("Ctrl-C ends it.", err=True)
        print_lines(_chosen(follow(found) if following else found.read(), job, level))
    except (ClientError, BotoCoreError):
        raise LocalStackError(f"The stack on port {folder.name} does not answer any more.") from None


def _folder(port: int | None) -> Path:
    """Return the folder of the stack: that on the port, else of the running one, else of the one used last.

    Raises ``LocalStackError`` without one.
    """
    root = Path.cwd() / FOLDER
    if port is None and (stack := find_running_stack()) is not None:
        port = stack.port
    if port is not None:
        folders = [root / str(port)]
    else:
        folders = sorted(
            (log.parent for log in root.glob(f"*/{LOG}")), key=lambda folder: (folder / LOG).stat().st_mtime
        )
    if not folders or not folders[-1].is_dir():
        where = "" if port is None else f" on port {port}"
        raise LocalStackError(f"There is no local stack{where} in this directory; start one with `darkroom up`.")
    if not os.access(folders[-1], os.R_OK | os.X_OK):
        raise LocalStackError(f"The logs in {folders[-1]} cannot be read: the stack is another user's.")
    return folders[-1]


def _open(folder: Path, since: float) -> tuple[StackLogs, bool]:
    """Return the logs of a stack, and whether it runs."""
    state, key = runtime.find_running(folder), RootKey.read(folder)
    if state is None or key is None:
        return stopped_logs(folder, since), False
    return running_logs(folder, Clients(state.port, key), state.functions, since), True


def _chosen(lines: Iterable[LogLine], job: str | None, level: str | None) -> Iterator[LogLine]:
    for line in lines:
        if job is not None and job not in line.raw:
            continue
        if level is not None and line.level in LEVELS and LEVELS.index(line.level) < LEVELS.index(level):
            continue
        yield line
