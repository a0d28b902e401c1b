"""``python -m infra.local``: commands of the local stack."""

import time
import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from darkroom.cli.termination import termination_signals
from darkroom.client.private_mark import is_private
from infra.bundling import studio as site
from infra.bundling.functions import BuildError
from infra.config import ConfigError
from infra.context_pairs import parse_context
from infra.local import aws_profile, orphans, owner_watch, runtime
from infra.local.deploy import DeployError
from infra.local.emulator import PortTakenError, StartError
from infra.local.options import StackOptions
from infra.local.process import Process
from infra.local.progress import Progress
from infra.local.state import FOLDER, RunningProcesses, StackState
from infra.local.studio import launch as studio_server
from infra.local.synth import SynthError

DEFAULT_PORT = 4566
_WATCH_SECONDS = 0.5

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Commands of the local stack.",
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Port = Annotated[int, typer.Option(min=1024, max=65535, help="Port on the loopback interface.")]
RunningPort = Annotated[
    int | None,
    typer.Option(min=1024, max=65535, help="Port; that of the stack that was started last when left out."),
]
Context = Annotated[
    list[str] | None, typer.Option("--context", "-c", metavar="KEY=VALUE", help="As for `cdk deploy -c`; repeatable.")
]


def folder_of(port: int) -> Path:
    """Return the folder of the stack on a port of the current directory."""
    return Path.cwd() / FOLDER / str(port)


def _read_context(pairs: list[str] | None) -> dict[str, str]:
    try:
        return parse_context(pairs or [])
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint="--context") from None


def _last_started(root: Path) -> int:
    """Return the port of the stack in ``root`` that was started last and still runs, whether it responds or not.

    If none runs, return the default port. Private stacks do not count.
    """
    files = sorted((root / FOLDER).glob(f"*/{StackState.file()}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for folder in (path.parent for path in files):
        state = StackState.read(folder)
        if state is not None and not is_private(folder) and orphans.has_live_processes(folder):
            return state.port
    return DEFAULT_PORT


@app.command()
def up(
    port: Port = DEFAULT_PORT,
    *,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when the stack is ready, and leave it running.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--open", help="Open the studio in a browser; build it first if necessary.")
    ] = False,
    studio: Annotated[bool, typer.Option(help="Serve the studio, if it is built.")] = True,
    private: Annotated[
        bool, typer.Option(hidden=True, help="Remove the stack when the command that runs it ends.")
    ] = False,
    context: Context = None,
) -> None:
    """Start the stack, or update the running one.

    Exit status: 0; 1 when it does not start; 2 when the port or the context cannot be used; 128 + the signal's number
    when it is terminated.
    """
    start = time.monotonic()
    folder = folder_of(port)
    with termination_signals():
        for orphan in orphans.find_abandoned(Path.cwd()):
            out.print(f"removing {orphan}", markup=False)
            orphan.end()
        try:
            options = StackOptions(folder, port, _read_context(context))
            progress = Progress(out.print)
            options.studio = _built_studio(progress) if show else site.find_built_studio() if studio else None
            state = runtime.up(options, progress)
        except (ConfigError, PortTakenError) as error:
            err.print(f"error: {error}", markup=False)
            raise typer.Exit(2) from None
        except (StartError, SynthError, DeployError, BuildError) as error:
            err.print(f"error: {error}", markup=False)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        if private:
            owner_watch.start(folder)
        out.print(f"ready after {time.monotonic() - start:.1f} s")
        _print_state(state, folder)
        if show and state.studio_url is not None:
            _open(studio_server.link(folder, state.studio_url))
        elif studio and state.studio_url is None:
            out.print("`darkroom up --open` builds the studio and opens it in a browser.")
        if not detach:
            _watch(folder)


def _built_studio(progress: Progress) -> Path:
    built = site.find_built_studio()
    if built is None:
        out.print("building the studio; the first time, what it is built with is downloaded: that takes a minute")
        with progress.step("building the studio"):
            built = site.build_studio()
    return built


def _open(url: str) -> None:
    if not webbrowser.open(url):
        out.print(f"There is no browser here to open; open {url} in one.")


def _watch(folder: Path) -> None:
    out.print("Ctrl-C stops it.")
    before: dict[str, Process] = {}
    try:
        while True:
            running = RunningProcesses.read(folder)
            if running is None or running.emulator is None:
                out.print("It was stopped.")
                return
            ended = {name: process for name, process in running.processes().items() if process.find() is None}
            # While another `up` replaces a process, it is gone before its successor is recorded.
            for name, process in ended.items():
                if before.get(name) == process:
                    err.print(f"error: the {name} has ended; see {folder}/{name}.log", markup=False)
                    runtime.down(folder)
                    raise typer.Exit(1)
            before = ended
            time.sleep(_WATCH_SECONDS)
    except KeyboardInterrupt:
        try:
            out.print("stopping")
        finally:  # Ctrl-C in a pipeline has ended the reader of the output, too
            runtime.down(folder)


@app.command()
def down(
    port: RunningPort = None,
    *,
    purge: Annotated[bool, typer.Option(help="Delete its jobs, pictures and users, too.")] = False,
) -> None:
    """Stop a stack, and every orphan if no port is given. Succeeds if nothing runs.

    Termination signals do not interrupt it: what is stopped halfway would be left to somebody else.
    """
    with termination_signals(defer=True):
        chosen = port or _last_started(Path.cwd())
        folder = folder_of(chosen)
        stopped = runtime.down(folder, save=not purge, say=out.print)
        if purge:
            runtime.purge(folder, say=out.print)
        out.print(f"stopped the stack on port {chosen}" if stopped else f"nothing runs on port {chosen}")
        for orphan in orphans.find_orphans(Path.cwd()) if port is None else ():
            orphan.end()
            out.print(f"ended {orphan}", markup=False)


@app.command()
def status(port: RunningPort = None) -> None:
    """Show the addresses of a stack, and every orphan. Exit status: 0 if it responds, otherwise 1."""
    chosen = port or _last_started(Path.cwd())
    folder = folder_of(chosen)
    state = runtime.find_running(folder)
    if state is not None:
        _print_state(state, folder)
    elif orphans.has_live_processes(folder):
        out.print(f"the stack on port {chosen} runs, but does not answer; `darkroom down --port {chosen}` stops it")
    else:
        out.print(f"no stack answers on port {chosen}")
    for orphan in orphans.find_orphans(Path.cwd()):
        out.print(f"orphan: {orphan}; `darkroom down` ends it", markup=False)
    if state is None:
        raise typer.Exit(1)


@app.command(name="list")
def list_stacks() -> None:
    """List the stacks of the current directory."""
    folders = sorted((Path.cwd() / FOLDER).glob("*/"), key=lambda path: path.name)
    table = Table("port", "state", "endpoint")
    for folder in folders:
        known = StackState.read(folder)
        if known is not None:
            table.add_row(str(known.port), "running" if runtime.find_running(folder) else "stopped", known.endpoint)
    out.print(table if table.row_count else "no stacks here")


def _print_state(state: StackState, folder: Path) -> None:
    lines = {
        "API": state.endpoint,
        "socket": state.socket,
        "user": state.auth.username,
        "studio": studio_server.link(folder, state.studio_url) if state.studio_url else None,
        "aws CLI": f"{aws_profile.command(folder, state.port)} s3 ls",
    }
    for name, value in lines.items():
        if value:
            out.print(f"{name:<8}{value}", markup=False)
