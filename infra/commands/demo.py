"""``darkroom demo``: start the whole service, use it once and stop it."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from darkroom.cli.output import echo
from darkroom.cli.param_flags import usage_error
from darkroom.cli.progress import reporting
from darkroom.cli.service import temporary_stack_client
from darkroom.cli.submission import Submission, exit_unless_completed, submit_and_watch
from darkroom.client.client import Client
from darkroom.client.errors import ClientError
from darkroom.client.request_builder import build_request
from darkroom.client.sources import Source
from darkroom.contract.jobs import Job
from darkroom.contract.kind_definition import DemoSample
from darkroom.contract.kinds import KINDS, Kind
from darkroom.contract.styles import styles
from infra.commands.demo_samples import draw_sheet, reduced, sample

FOLDER = Path("out", "demo")
NEEDS_MODELS = """{kind} needs the models engine, which has no preview. With a GPU (or patience):
  make setup-models
  .venv/bin/darkroom models fetch --kind {kind}
  .venv/bin/darkroom run {kind} --prompt "a red fox in the snow\""""

NEEDS_PYAV = "none: that needs PyAV (.venv/bin/python -m pip install av)"


def _picture(role: str, about: str) -> Any:
    return typer.Option(
        f"--{role}", metavar="FILE", help=about, exists=True, dir_okay=False, readable=True, show_default=False
    )


app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="Example:  darkroom demo me.jpg --style industrial")
def demo(
    photo: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PHOTO]",
            help="Any photo (of a room, for restyle_room; of a face, for render_video); a sample when left out.",
            exists=True,
            dir_okay=False,
            readable=True,
            show_default=False,
        ),
    ] = None,
    kind: Annotated[Kind, typer.Option(help="What to show.")] = Kind.RESTYLE_ROOM,
    style: Annotated[
        str | None, typer.Option(help="restyle_room: the look; `darkroom styles` shows them. [default: scandinavian]")
    ] = None,
    mask: Annotated[Path | None, _picture("mask", "inpaint: where to fill PHOTO, in white.")] = None,
    source: Annotated[Path | None, _picture("source", "face_swap: whose face.")] = None,
    target: Annotated[Path | None, _picture("target", "face_swap: the picture it goes into.")] = None,
    consent: Annotated[
        bool, typer.Option("--consent", help="face_swap, render_video: everybody in your pictures has agreed.")
    ] = False,
) -> None:
    """Try a kind end to end: start everything, submit, watch, save, stop everything.

    Runs on a free port with state of its own, so it never touches a stack of yours. Writes the result and a sheet
    that compares it with what was given, or shows frames of the video, to out/demo/.
    """
    demo_sample = KINDS[kind].demo
    if demo_sample is None:
        raise ClientError("engine_unavailable", NEEDS_MODELS.format(kind=kind))
    own = {
        role: path
        for role, path in {demo_sample.photo: photo, "mask": mask, "source": source, "target": target}.items()
        if path is not None
    }
    _check(kind, demo_sample, own, style, consent=consent)
    params = {**demo_sample.params, **({"style": style} if style is not None else {})}
    if own and kind is Kind.RENDER_VIDEO:
        params["consent"] = True
    with ExitStack() as samples:
        given: dict[str, Source] = {
            role: samples.enter_context(sample(name)) if isinstance(name, str) else name
            for role, name in demo_sample.files.items()
        }
        given |= own
        if demo_sample.reduce and not own:
            given = {role: reduced(path, FOLDER) for role, path in given.items() if isinstance(path, Path)}
        try:
            request, contents = build_request(kind, given, params)
        except ValidationError as error:
            raise usage_error(error, {"style": "'--style'"}) from error
        FOLDER.mkdir(parents=True, exist_ok=True)
        with reporting() as reporter, temporary_stack_client(reporter.say) as client:
            job = submit_and_watch(client, Submission(request, contents), reporter)
            exit_unless_completed(job)
            files = _save(client, job)
        try:
            paths = {role: path for role, path in given.items() if isinstance(path, Path)}
            sheet: Path | str = draw_sheet(kind, paths, files[0], params, sampled=not own)
        except ModuleNotFoundError:
            sheet = NEEDS_PYAV
        except Exception as error:  # a failed sheet must not hide the result
            sheet = f"none: it could not be drawn ({error})"
    echo(_summary(job, files, sheet, demo_sample, params))


def _check(kind: Kind, demo_sample: DemoSample, own: dict[str, Path], style: str | None, *, consent: bool) -> None:
    """Raise ``typer.BadParameter`` for pictures of another kind, missing pictures of this kind, and missing consent."""
    names = {demo_sample.photo: "PHOTO", **{role: f"--{role}" for role in ("mask", "source", "target")}}
    # Roles without an option always use the sample.
    taken = [role for role in demo_sample.files if role in names]
    if strange := [role for role in own if role not in taken]:
        raise typer.BadParameter(
            f"{kind} takes {' and '.join(names[role] for role in taken)}", param_hint=f"'{names[strange[0]]}'"
        )
    if missing := [role for role in taken if own and role not in own]:
        raise typer.BadParameter("missing: give all pictures, or none", param_hint=f"'{names[missing[0]]}'")
    if style is not None and "style" not in demo_sample.params:
        raise typer.BadParameter(f"{kind} has no style", param_hint="'--style'")
    if own and (kind is Kind.RENDER_VIDEO or "consent" in demo_sample.params) and not consent:
        raise typer.BadParameter(
            "missing: say that everybody whose face is used or replaced, or who is made to speak, has agreed to it"
            " (make demo … CONSENT=yes)",
            param_hint="'--consent'",
        )


def _save(client: Client, job: Job) -> tuple[Path, ...]:
    """Save the result as ``out/demo/result.jpg``, or with its type's extension, and its subtitles; return the paths.

    Earlier results are removed.
    """
    for earlier in FOLDER.glob("result.*"):
        earlier.unlink()
    return client.download_all(job, FOLDER)


def _several(demo_sample: DemoSample) -> str:
    return "pictures of yours" if " " in demo_sample.own else "a picture of yours"


def _summary(
    job: Job, files: tuple[Path, ...], sheet: Path | str, demo_sample: DemoSample, params: dict[str, Any]
) -> str:
    """Return the summary: paths of files, engine, duration, and commands to try next."""
    assert job.result is not None
    seconds = sum(each.seconds for each in job.timeline)
    quality = f", quality {job.result.quality.score:.2f}" if job.result.quality else ""
    other = next(name for name in styles() if name != params.get("style"))
    choice = "" if job.kind is Kind.RESTYLE_ROOM else f"KIND={job.kind} "
    tries = [(f"make demo {choice}{demo_sample.own}", _several(demo_sample))]
    if job.kind is Kind.RESTYLE_ROOM:
        tries.append((f"make demo STYLE={other}", "another style (darkroom styles shows them all)"))
    others = [each for each, definition in KINDS.items() if definition.demo and each is not job.kind]
    tries.append((f"make demo KIND={others[0]}", f"another kind ({', '.join(others)})"))
    tries.append((".venv/bin/darkroom up --detach", "keep the stack running, then:"))
    width = max(len(command) for command, _ in tries)
    result, *subtitles = files
    lines = [
        "",
        f"Result        {result}   ({job.result.engine} engine, {seconds:.1f} s of stages{quality})",
        *([f"Subtitles     {', '.join(map(str, subtitles))}"] if subtitles else []),
        f"{'Frames' if KINDS[job.kind].makes_video else 'Side by side':<14}{sheet}",
        *(f"Note          {note}" for note in job.result.notes),
        "",
        "Try next",
        *(f"  {command:<{width}}  {why}" for command, why in tries),
        f"  .venv/bin/darkroom run {job.kind} {demo_sample.command.format(style=other)}",
        "  .venv/bin/darkroom down",
    ]
    return "\n".join(lines)
