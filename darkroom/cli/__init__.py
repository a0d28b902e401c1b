"""The `darkroom` command."""

import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from darkroom.cli.lazy import LazyGroup

LAZY = {
    "run": ("darkroom.cli.run", "Make a picture or a video: submit, upload, watch, download."),
    "jobs": ("darkroom.cli.jobs", "Look after your jobs: list, show, download, cancel, watch, rerun."),
    "assets": ("darkroom.cli.assets", "Look after your library: list, add, keep, show, remove."),
    "styles": ("darkroom.cli.styles", "Show the room styles, or the looks of --kind generate."),
    "avatars": ("darkroom.cli.avatars", "Show the portraits that may speak in videos."),
    "voices": ("darkroom.cli.voices", "Show the voices that say scripts."),
    "enhance": ("darkroom.cli.enhance", "Make a better prompt of a few words."),
    "models": ("infra.commands.models", "Look after the models engine's models: list, fetch, verify, push."),
    "demo": ("infra.commands.demo", "Try a kind on a sample end to end, leaving nothing running."),
    "stats": ("darkroom.cli.stats:stats", "Show a day's jobs in numbers."),
    "services": ("darkroom.cli.stats:services", "Show the endpoint, its backlog and its instances."),
    "limits": ("darkroom.cli.stats:limits", "Show where you stand: rate limits and the day's budget."),
    "cache": ("darkroom.cli.cache", "Look after the result cache: stats, clear."),
    "up": ("infra.commands.stack:up", "Start the local stack."),
    "down": ("infra.commands.stack:down", "Stop the local stack; its state is kept."),
    "status": ("infra.commands.stack:status", "Say whether the stack answers, where, and how it is."),
}

EPILOG = """\b
Examples:
  darkroom demo
  darkroom run restyle_room room.jpg --style scandinavian
  darkroom run inpaint room.jpg --mask mask.png
  darkroom run generate --prompt "a red fox in the snow" --count 4
  darkroom run render_video amara --script "Hello there." --subtitles both -o hello.mp4
  DARKROOM_ENDPOINT=https://… DARKROOM_TOKEN=… darkroom jobs list"""


class Root(LazyGroup):
    """Top-level command group; its commands are imported when they are called."""

    lazy = LAZY


app = typer.Typer(
    cls=Root,
    epilog=EPILOG,
    no_args_is_help=True,
    # Plain text: half the time of rich help, and errors that fit in one line of a log.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - 30 ms that --help need not wait

        try:
            typer.echo(f"darkroom {version('darkroom')}")
        except PackageNotFoundError:
            typer.echo("darkroom (not installed)")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Darkroom turns people's photos into new pictures and videos: submit one, watch it develop, collect the result.

    Talks to the service at --endpoint or DARKROOM_ENDPOINT (token: --token or DARKROOM_TOKEN), else to the local
    stack that runs from this directory.
    """


def _terminated(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def main() -> None:
    """Run the command. SIGTERM raises ``SystemExit``, so that everything started is stopped."""
    signal.signal(signal.SIGTERM, _terminated)
    app(prog_name="darkroom")
