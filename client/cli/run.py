"""``darkroom run KIND PICTURE…``: one command for each kind of the contract."""

import inspect
from collections.abc import Callable
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from client.cli.flags import Flag, flags, usage_error
from client.cli.outcome import EngineFlag, NoCacheFlag, OutputFlag, collect, report
from client.cli.output import Output, choose, format_of, slug
from client.cli.pictures import Picture, pictures
from client.cli.progress import reporting
from client.cli.service import started
from client.cli.settings import EndpointFlag, JsonFlag, TokenFlag
from client.cli.submission import Submission, carry_out
from client.request import build
from pipeline.requests import REQUESTS, BaseRequest, Kind
from pipeline.uploads import AssetReference

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

    Prints the path of each result. Exit code 0 when the job is done, 1 when it failed or was cancelled (its code and
    message are on stderr), 2 for wrong usage. Ctrl-C cancels the job.
    """


def _command(kind: Kind) -> Callable[..., None]:
    shown, options = pictures(kind), flags(kind)

    def command(
        context: typer.Context,
        *,
        engine: EngineFlag = None,
        allow_preview: PreviewFlag = False,
        no_cache: NoCacheFlag = False,
        output: OutputFlag = None,
        as_json: JsonFlag = False,
        endpoint: EndpointFlag = None,
        token: TokenFlag = None,
        **given: Any,
    ) -> None:
        said = {name: value for name, value in given.items() if _on_the_line(context, name)}
        request = partial(build, kind, engine=engine, allow_preview=allow_preview, cache=not no_cache)
        submission, target = _prepare(request, shown, options, said, output)
        with reporting() as reporter, started(endpoint, token, reporter.say) as client:
            job = carry_out(client, submission, reporter)
            paths = collect(client, job, target)
        report(job, paths, as_json=as_json)

    first, *own = (each for each in inspect.signature(command).parameters.values() if each.kind is not each.VAR_KEYWORD)
    generated = [*(each for picture in shown for each in picture.parameters), *(each.parameter for each in options)]
    parameters = [first, *sorted([*generated, *own], key=lambda each: each.default is not each.empty)]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # what inspect looks for first
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    command.__doc__ = _help(kind, shown, options)
    return command


def _help(kind: Kind, shown: tuple[Picture, ...], options: tuple[Flag, ...]) -> str:
    words = [f"{each.role}.jpg" for each in shown if each.required]
    for each in options:
        if each.constant and each.required:
            words.append(each.option)
        elif each.required:
            example = next(iter(each.annotation)).value if issubclass(each.annotation, Enum) else '"…"'
            words += [each.option, example]
    about = (inspect.getdoc(REQUESTS[kind]) or "").strip()
    return f"{about}\n\nExample:  darkroom run {kind} {' '.join(words)}"


def _on_the_line(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _prepare(
    build_request: Callable[..., tuple[BaseRequest, dict[str, Path]]],
    shown: tuple[Picture, ...],
    options: tuple[Flag, ...],
    said: dict[str, Any],
    output: Path | None,
) -> tuple[Submission, Output]:
    """All that can be wrong about the command line is found here, before any work. Raises ``typer.BadParameter``."""
    sources = {each.role: source for each in shown if (source := each.chosen(said)) is not None}
    params = {each.name: value for each in options if (value := each.chosen(said.get(each.name))) is not None}
    for each in options:
        if each.name == "format" and (wanted := format_of(output, said["format"].value if "format" in said else None)):
            params |= {"format": wanted} if wanted != each.default.value else {}
    try:
        request, paths = build_request(sources or None, params)
    except ValidationError as error:
        raise usage_error(error) from error
    except OSError as error:
        raise typer.BadParameter(str(error)) from error
    stem = "_".join(part for part in (_begin(sources, params), str(params.get("style", ""))) if part)
    label = f"_{request.kind}" if sources and "style" not in params else ""
    return Submission(request, paths), choose(output, stem + label, paths.values())


def _begin(sources: dict[str, Path | AssetReference], params: dict[str, Any]) -> str:
    """What the names of results begin with: that of the picture that is changed, else the prompt's words."""
    if not sources:
        return slug(str(params.get("prompt", ""))) or "picture"
    # Where there is a target, it is what the result is made of; the first picture otherwise.
    changed = sources.get("target") or next(iter(sources.values()))
    return changed.stem if isinstance(changed, Path) else changed.asset_id[:8]


for _kind in REQUESTS:
    app.command(str(_kind), no_args_is_help=True)(_command(_kind))
