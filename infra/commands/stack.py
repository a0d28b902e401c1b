"""``darkroom up``, ``down``, ``status``: commands for the local stack, run by ``python -m infra.local``."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from darkroom.cli.output import echo
from darkroom.cli.service import client_for_stack, connect
from darkroom.cli.settings import EndpointFlag, TokenFlag
from darkroom.cli.termination import forward_termination
from darkroom.client.local_stack import FOLDER, command, find_running_stack, read_stack

PortFlag = Annotated[
    int | None,
    typer.Option("--port", min=1, max=65535, help="Port of the stack; 4566 when left out.", show_default=False),
]
RunningPortFlag = Annotated[
    int | None,
    typer.Option(
        "--port",
        min=1,
        max=65535,
        help="Port of the stack; that of the last one started when left out.",
        show_default=False,
    ),
]
PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True}

up = typer.Typer(add_completion=False, rich_markup_mode=None)
down = typer.Typer(add_completion=False, rich_markup_mode=None)
status = typer.Typer(add_completion=False, rich_markup_mode=None)


@up.command(context_settings=PASS_THROUGH, epilog="Example:  darkroom up --open")
def start(
    context: typer.Context,
    port: PortFlag = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when the stack is ready, and leave it running.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--open", help="Open the studio in a browser; build it first if necessary.")
    ] = False,
) -> None:
    """Start the local stack: the whole service on this machine, with its state under .darkroom/.

    Several stacks can run on different ports. Other options are passed to `python -m infra.local up`.
    """
    flags = [*(["--detach"] if detach else []), *(["--open"] if show else [])]
    code = _delegate("up", *_port(port), *flags, *context.args)
    raise typer.Exit(code)


@down.command(context_settings=PASS_THROUGH)
def stop(context: typer.Context, port: RunningPortFlag = None) -> None:
    """Stop the local stack. Its state is kept for the next start, unless --purge is given.

    Without --port, it also ends orphans: what is left of stacks whose command was killed, wherever they run.
    """
    raise typer.Exit(_delegate("down", *_port(port), *context.args))


@status.command(context_settings=PASS_THROUGH)
def show(
    context: typer.Context, port: RunningPortFlag = None, endpoint: EndpointFlag = None, token: TokenFlag = None
) -> None:
    """Show the addresses and the health of the stack. Exit code 0 if it is healthy, otherwise 1.

    Orphans are listed, too: what is left of stacks whose command was killed. With --endpoint, show those of that
    service.
    """
    if endpoint is None:
        code = _delegate("status", *_port(port), *context.args)
        stack = find_running_stack() if port is None else read_stack(Path.cwd() / FOLDER / str(port))
        if code or stack is None:
            raise typer.Exit(code)
        with client_for_stack(stack) as client:
            health = client.health()
    else:
        with connect(endpoint, token) as client:
            health = client.health()
            echo(f"API      {client.endpoint}\nsocket   {client.config().socket_url or 'none'}")
    for name, part in health.parts.items():
        echo(f"{name:<9}{part.status}{f': {part.reason}' if part.reason else ''}")
    echo(f"health   {'ok' if health.ok else 'down'}")
    raise typer.Exit(0 if health.ok else 1)


def _port(port: int | None) -> list[str]:
    return [] if port is None else ["--port", str(port)]


def _delegate(*arguments: str) -> int:
    """Run the local runtime in this terminal and return its exit code. It handles signals itself."""
    sys.stdout.flush()
    with subprocess.Popen(command(*arguments)) as process:
        while True:
            try:
                code = process.wait()
                break
            except KeyboardInterrupt:
                forward_termination(process)  # the terminal sends Ctrl-C to both
    return code if code >= 0 else 128 - code
