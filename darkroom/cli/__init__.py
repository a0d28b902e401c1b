"""The `darkroom` command."""

import signal
import sys
from typing import Annotated, Any

import typer

import darkroom
from darkroom.cli.lazy import LazyCommand, LazyGroup, caused_by_interrupt
from darkroom.cli.output import echo, escape_what_streams_cannot_encode
from darkroom.cli.termination import termination_signals
from darkroom.cli.unexpected_error import VARIABLE, ErrorOptions, report_unexpected_error

# The operators' commands are registered by entry points instead: see darkroom/cli/entry_points.py.
COMMANDS = {
    "run": LazyCommand("darkroom.cli.run", "Make a picture or a video: submit, upload, watch, download."),
    "jobs": LazyCommand("darkroom.cli.jobs", "Manage your jobs: list, show, download, cancel, watch, rerun."),
    "assets": LazyCommand("darkroom.cli.assets", "Manage your asset library: list, add, keep, show, remove."),
    "styles": LazyCommand("darkroom.cli.styles", "Show the room styles, or the styles of --kind generate."),
    "avatars": LazyCommand("darkroom.cli.avatars", "Show the avatars: portraits that can speak in videos."),
    "voices": LazyCommand("darkroom.cli.voices", "Show the voices that speak scripts."),
    "enhance": LazyCommand("darkroom.cli.enhance", "Enhance a prompt."),
    "stats": LazyCommand("darkroom.cli.stats:stats", "Show the statistics of a day's jobs."),
    "services": LazyCommand("darkroom.cli.stats:services", "Show the endpoint, its backlog and its instances."),
    "limits": LazyCommand("darkroom.cli.stats:limits", "Show your rate limits and the day's budget."),
    "cache": LazyCommand("darkroom.cli.cache", "Manage the result cache: stats, clear."),
    "login": LazyCommand("darkroom.cli.login:login", "Sign in to a deployed service."),
    "logout": LazyCommand("darkroom.cli.login:logout", "Remove a stored login."),
    "token": LazyCommand("darkroom.cli.token", "Print an access token, such as for curl."),
}

EPILOG = """\b
Examples:
  darkroom demo
  darkroom run restyle_room room.jpg --style scandinavian
  darkroom run inpaint room.jpg --mask mask.png
  darkroom run generate --prompt "a red fox in the snow" --count 4
  darkroom run render_video amara --script "Hello there." --subtitles both -o hello.mp4
  darkroom login --endpoint https://…
  DARKROOM_ENDPOINT=https://… darkroom jobs list"""


class RootGroup(LazyGroup):
    """Top-level command group: the callers' commands, then those of entry points.

    The entry points are read only for the list of commands and for names that no caller's command has.
    """

    lazy = COMMANDS

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the callers' commands, then those of the registered ones."""
        from darkroom.cli.entry_points import registered_commands  # noqa: PLC0415 - takes 30 ms

        return list(dict.fromkeys([*super().list_commands(ctx), *registered_commands()]))

    def lazy_command(self, name: str) -> LazyCommand | None:
        """Return a caller's command, or the registered one with this name."""
        if name in self.lazy:
            return self.lazy[name]
        from darkroom.cli.entry_points import load_command  # noqa: PLC0415 - takes 30 ms

        return load_command(name)


app = typer.Typer(
    cls=RootGroup,
    epilog=EPILOG,
    no_args_is_help=True,
    # Plain text: half the time of rich help, and errors that fit in one line of a log.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError  # noqa: PLC0415 - takes 30 ms

        try:
            echo(f"darkroom {darkroom.__version__}")
        except PackageNotFoundError:
            echo("darkroom (not installed)")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", envvar=VARIABLE, help="Show the traceback of an error.")] = False,
) -> None:
    """Make pictures and videos from photos: submit a job, watch its progress, download the result.

    Commands use the service at --endpoint or DARKROOM_ENDPOINT, otherwise the local stack that runs from this
    directory. The token is --token, DARKROOM_TOKEN, or that of `darkroom login`.
    """
    context.ensure_object(ErrorOptions).debug = debug


def main() -> None:
    """Run the command. Ctrl-C exits with 130, a termination signal with 128 plus its number.

    An error that nothing has handled is printed in one sentence, and exits with 70.
    """
    escape_what_streams_cannot_encode()
    options = ErrorOptions()
    with termination_signals():
        try:
            app(prog_name="darkroom", obj=options)
        except Exception as error:
            if caused_by_interrupt(error):
                sys.exit(128 + signal.SIGINT)
            sys.exit(report_unexpected_error(error, options))
