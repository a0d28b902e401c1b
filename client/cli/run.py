"""``darkroom run KIND PICTURE…``: one command for each kind of the contract."""

import inspect
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from client.cli.flags import Flag, Picture, flags, pictures, usage_error
from client.cli.output import Output, choose
from client.cli.progress import reporting
from client.cli.service import started
from client.cli.settings import EndpointFlag, JsonFlag, TokenFlag
from client.cli.submission import Submission, carry_out, explain
from client.errors import ClientError
from client.request import build
from pipeline.jobs import Job, State
from pipeline.requests import REQUESTS, Engine, Kind

OutputFlag = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="File or folder for the result; PHOTO_STYLE.jpg in the current directory when left out.",
        show_default=False,
    ),
]
EngineFlag = Annotated[
    Engine | None, typer.Option("--engine", help="Who does the work; the service's default when left out.")
]
PreviewFlag = Annotated[
    bool, typer.Option("--allow-preview", help="Accept the preview engine where the models engine is not available.")
]


class Kinds(TyperGroup):
    """The kinds as commands; an unknown one is answered with the list."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As typer's, with an error that helps."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            ctx.fail(f"unknown kind {args[0]!r}; choose one of: {', '.join(self.commands)}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=Kinds,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    epilog="Example:  darkroom run restyle_room room.jpg --style boho -o boho.jpg",
)


@app.callback()
def run() -> None:
    """Make something of a picture: submit, upload, watch, download.

    Prints the path of the result. Exit code 0 when the job is done, 1 when it failed or was cancelled (its code and
    message are on stderr), 2 for wrong usage. Ctrl-C cancels the job.
    """


def _command(kind: Kind) -> Callable[..., None]:
    shown, options = pictures(kind), flags(kind)

    def command(
        *,
        engine: EngineFlag = None,
        allow_preview: PreviewFlag = False,
        output: OutputFlag = None,
        as_json: JsonFlag = False,
        endpoint: EndpointFlag = None,
        token: TokenFlag = None,
        **given: Any,
    ) -> None:
        submission, target = _prepare(kind, shown, options, given, engine, allow_preview, output)
        with reporting() as reporter, started(endpoint, token, reporter.say) as client:
            job = carry_out(client, submission, reporter)
            path = None
            if job.state is State.COMPLETED and job.result is not None:
                path = target.path(job.result.pictures[0])
                try:
                    client.download(job, path)
                except OSError as error:
                    raise ClientError("unwritable_file", str(error)) from error
        report(job, path, as_json=as_json)

    own = [each for each in inspect.signature(command).parameters.values() if each.kind is each.KEYWORD_ONLY]
    parameters = [*(each.parameter for each in shown), *(each.parameter for each in options), *own]
    parameters = [*sorted(parameters, key=lambda each: each.default is not each.empty)]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # what inspect looks for first
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    command.__doc__ = _help(kind, shown, options)
    return command


def _help(kind: Kind, shown: tuple[Picture, ...], options: tuple[Flag, ...]) -> str:
    words = [f"{each.role}.jpg" for each in shown if each.required]
    for each in options:
        if each.required:
            example = next(iter(each.annotation)).value if issubclass(each.annotation, Enum) else each.name.upper()
            words += [each.option, example]
    about = (inspect.getdoc(REQUESTS[kind]) or "").strip()
    return f"{about}\n\nExample:  darkroom run {kind} {' '.join(words)}"


def _prepare(
    kind: Kind,
    shown: tuple[Picture, ...],
    options: tuple[Flag, ...],
    given: dict[str, Any],
    engine: Engine | None,
    allow_preview: bool,
    output: Path | None,
) -> tuple[Submission, Output]:
    """All that can be wrong about the command line is found here, before any work. Raises ``typer.BadParameter``."""
    files = {each.role: given[each.role] for each in shown if given.get(each.role) is not None}
    params = {each.name: value for each in options if (value := each.chosen(given.get(each.name))) is not None}
    target = choose(output, files.values(), str(params.get("style", kind)))
    try:
        request, paths = build(kind, files, params, engine=engine, allow_preview=allow_preview)
    except ValidationError as error:
        raise usage_error(error) from error
    except OSError as error:
        raise typer.BadParameter(str(error)) from error
    return Submission(request, paths), target


def report(job: Job, path: Path | None, *, as_json: bool) -> None:
    """The result on stdout: the job, or the path of its picture. Exit code 1 when there is none."""
    if as_json:
        typer.echo(job.model_dump_json(indent=2))
        if path is not None:
            typer.echo(f"saved {path}", err=True)
    elif path is not None:
        typer.echo(path)
    explain(job)
    for note in job.result.notes if job.result else ():
        typer.echo(f"note: {note}", err=True)


for _kind in REQUESTS:
    app.command(str(_kind), no_args_is_help=True)(_command(_kind))
