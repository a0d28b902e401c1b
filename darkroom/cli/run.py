"""``darkroom run KIND …``: one command for each kind of the contract."""

import inspect
from collections.abc import Callable
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from darkroom.cli.output_path import OutputTarget, choose_output, format_of, shortened, slug
from darkroom.cli.param_flags import flags, parameter, usage_error
from darkroom.cli.progress import reporting
from darkroom.cli.save_results import EngineFlag, NoCacheFlag, OutputFlag, download_results, print_results
from darkroom.cli.service import connect_or_start_stack
from darkroom.cli.settings import EndpointFlag, JsonFlag, TokenFlag
from darkroom.cli.source_arguments import arguments
from darkroom.cli.submission import Submission, submit_and_watch
from darkroom.client import scenes
from darkroom.client.input_files import InputFile
from darkroom.client.input_folder import ALLOW_OUTSIDE
from darkroom.client.request_builder import build_request
from darkroom.client.sources import NamedSource
from darkroom.contract.kinds import Kind
from darkroom.contract.requests import REQUEST_MODELS, BaseRequest, params_model
from darkroom.contract.uploads import AssetReference, AvatarReference
from darkroom.contract.video_params import Subtitles

PreviewFlag = Annotated[
    bool, typer.Option("--allow-preview", help="Accept the preview engine if the models engine is unavailable.")
]
SCENES = scenes.SCENES.upper()
OutsideFlag = Annotated[
    bool,
    typer.Option(
        ALLOW_OUTSIDE,
        help="Let the scenes file name files outside of its folder. They are uploaded: do so only for your own files.",
    ),
]
ScenesArgument = Annotated[
    str | None,
    typer.Argument(
        metavar=SCENES,
        help='A JSON file: {"scenes": [{"type": "image", "picture": "room.jpg", "script": "…", "seconds": 4}, '
        '{"type": "avatar", "avatar": "amara", "script": "@hello.txt"}, {"type": "generated", "prompt": "…"}], '
        '"music": "bed.mp3", "subtitles": "both"}. Paths are relative to the file and stay within its folder; '
        "options of the command override it.",
        show_default=False,
    ),
]


class KindGroup(TyperGroup):
    """Command group of the kinds; an unknown kind fails with the list of kinds."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Resolve as Typer does, but with a helpful error for unknown kinds."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            ctx.fail(f"unknown kind {args[0]!r}; choose one of: {', '.join(self.commands)}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=KindGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    epilog="Example:  darkroom run restyle_room room.jpg --style boho -o boho.jpg",
)


@app.callback()
def run() -> None:
    """Make a picture or a video: submit, upload, watch, download.

    Prints the path of each file. Exit code 0 if the job completed, 1 if it failed or was cancelled (its code and
    message are on stderr), 2 for wrong usage. Ctrl-C cancels the job.
    """


class KindCommand:
    """Parameters of a kind's command, and the conversion of its arguments to a request."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.arguments = arguments(kind)
        # Scenes are too long for a command line, so they are read from a file.
        self.reads_scenes = scenes.SCENES in params_model(kind).model_fields
        self.flags = tuple(each for each in flags(kind) if each.name != scenes.SCENES)

    @property
    def parameters(self) -> list[inspect.Parameter]:
        """The parameters for the signature that typer reads."""
        file = []
        if self.reads_scenes:
            file = [
                parameter(scenes.SCENES, ScenesArgument, None, required=False),
                parameter("allow_outside", OutsideFlag, default=False, required=False),
            ]
        source_parameters = [each for argument in self.arguments for each in argument.parameters]
        return [*file, *source_parameters, *(each.parameter for each in self.flags)]

    @property
    def help(self) -> str:
        """The contract's description of the kind, and an example."""
        words = ["scenes.json"] if self.reads_scenes else [each.example for each in self.arguments if each.required]
        for each in self.flags:
            if each.constant and each.required:
                words.append(each.option)
            elif each.required:
                example = next(iter(each.annotation)).value if issubclass(each.annotation, Enum) else '"…"'
                words += [each.option, example]
            elif each.name == scenes.SCRIPT:
                words += [each.option, '"Hello there."']
        description = (inspect.getdoc(REQUEST_MODELS[self.kind]) or "").strip()
        return f"{description}\n\nExample:  darkroom run {self.kind} {' '.join(words)}"

    def prepare(
        self,
        build_request: Callable[..., tuple[BaseRequest, dict[str, InputFile]]],
        explicit: dict[str, Any],
        output: Path | None,
    ) -> tuple[Submission, OutputTarget]:
        """Validate the whole command line before any work. Raises ``typer.BadParameter``."""
        params, sources = self._read_scenes(explicit) if self.reads_scenes else ({}, {})
        sources |= {each.role: source for each in self.arguments if (source := each.parse(explicit)) is not None}
        # An explicit option overrides the file even if it is the default.
        given = {each.name: each.contract_value(explicit.get(each.name)) for each in self.flags}
        for each in self.flags:
            if each.name in explicit and given[each.name] is None:
                params.pop(each.name, None)
        params |= {name: value for name, value in given.items() if value is not None}
        wanted = format_of(self.kind, output, explicit["format"].value if "format" in explicit else None)
        if wanted is not None and wanted != next(each for each in self.flags if each.name == "format").default.value:
            params["format"] = wanted
        try:
            request, files = build_request(sources or None, params)
        except ValidationError as error:
            raise usage_error(error, self._hints(explicit), f"'{SCENES}'" if self.reads_scenes else None) from error
        except (OSError, ValueError) as error:
            raise typer.BadParameter(str(error)) from error
        inputs = [each for each in sources.values() if isinstance(each, Path)]
        if self.reads_scenes:
            inputs.append(Path(explicit[scenes.SCENES]))
        several = getattr(request.params, "count", 1) > 1 or getattr(request.params, "subtitles", Subtitles.NONE).filed
        stem = self._stem(explicit, sources, params)
        return Submission(request, files), choose_output(output, stem, inputs, several=several)

    def _read_scenes(self, explicit: dict[str, Any]) -> tuple[dict[str, Any], dict[str, NamedSource]]:
        path = explicit.get(scenes.SCENES)
        if path is None:
            raise typer.BadParameter("missing: a JSON file with the scenes", param_hint=f"'{SCENES}'")
        try:
            return scenes.read(path, allow_outside=explicit.get("allow_outside", False))
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint=f"'{SCENES}'") from error

    def _hints(self, explicit: dict[str, Any]) -> dict[str, str]:
        """Return the command-line name of each param and role; with a file, only of those given on the command line."""
        hints = {each.role: f"'{each.role.upper()}'" if each.first else f"'{each.option}'" for each in self.arguments}
        hints |= {each.name: f"'{each.option}'" for each in self.flags}
        return {name: hint for name, hint in hints.items() if name in explicit} if self.reads_scenes else hints

    def _stem(self, explicit: dict[str, Any], sources: dict[str, NamedSource], params: dict[str, Any]) -> str:
        """Return the stem of result files: from the input or prompt, the style and the kind."""
        if self.reads_scenes:
            return shortened(Path(explicit[scenes.SCENES]).stem)
        stem = "_".join(part for part in (_input_name(sources, params), str(params.get("style", ""))) if part)
        return f"{stem}_{self.kind}" if sources and "style" not in params else stem


def _command(kind_command: KindCommand) -> Callable[..., None]:
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
        explicit = {name: value for name, value in given.items() if _is_explicit(context, name)}
        request = partial(
            build_request, kind_command.kind, engine=engine, allow_preview=allow_preview, cache=not no_cache
        )
        submission, target = kind_command.prepare(request, explicit, output)
        with reporting() as reporter, connect_or_start_stack(endpoint, token, reporter.say) as client:
            job = submit_and_watch(client, submission, reporter)
            paths = download_results(client, job, target)
        print_results(job, paths, as_json=as_json)

    first, *shared = (
        each for each in inspect.signature(command).parameters.values() if each.kind is not each.VAR_KEYWORD
    )
    parameters = [first, *sorted([*kind_command.parameters, *shared], key=lambda each: each.default is not each.empty)]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # what inspect looks for first
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    command.__doc__ = kind_command.help
    return command


def _is_explicit(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _input_name(sources: dict[str, NamedSource], params: dict[str, Any]) -> str:
    """Return the first part of a result's name: that of the changed picture, else the prompt's words."""
    if not sources:
        return slug(str(params.get("prompt", ""))) or "picture"
    # The changed picture is the target, if the kind has one, else the first picture.
    changed = sources.get("target") or next(iter(sources.values()))
    match changed:
        case AssetReference():
            return changed.asset_id[:8]
        case AvatarReference():
            return changed.avatar
        case _:
            return shortened(Path(changed).stem)


for _kind in REQUEST_MODELS:
    app.command(str(_kind), no_args_is_help=True)(_command(KindCommand(_kind)))
