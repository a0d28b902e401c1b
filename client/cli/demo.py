"""``darkroom demo``: the whole service started, used once and stopped."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from client.cli.flags import usage_error
from client.cli.progress import reporting
from client.cli.service import private
from client.cli.submission import Submission, carry_out, explain
from client.client import Client
from client.comparison import before_after
from client.picture import EXTENSIONS
from client.request import build
from pipeline.jobs import Job, State
from pipeline.requests import Kind
from pipeline.styles import styles

FOLDER = Path("out", "demo")
SAMPLE = "living_room.jpg"

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="Example:  darkroom demo me.jpg --style industrial")
def demo(
    photo: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PHOTO]",
            help="Any photo of a room; a sample when left out.",
            exists=True,
            dir_okay=False,
            readable=True,
            show_default=False,
        ),
    ] = None,
    style: Annotated[str, typer.Option(help="The look of the room; `darkroom styles` shows them.")] = "scandinavian",
) -> None:
    """Restyle a photo end to end: start everything, submit, watch, save, stop everything.

    Runs on a free port with state of its own, so it never touches a stack of yours. Writes out/demo/result.jpg and
    out/demo/before_after.png.
    """
    with _photo(photo) as before:
        try:
            request, paths = build(Kind.RESTYLE_ROOM, before, {"style": style})
        except ValidationError as error:
            raise usage_error(error) from error
        FOLDER.mkdir(parents=True, exist_ok=True)
        with reporting() as reporter, private(reporter.say) as client:
            job = carry_out(client, Submission(request, paths), reporter)
            explain(job)
            result = _save(client, job)
        labels = ("before", f"after: {styles()[style].title}")
        sheet = before_after(before, result, FOLDER / "before_after.png", labels=labels)
    typer.echo(_farewell(job, result, sheet, style))


@contextmanager
def _photo(photo: Path | None) -> Iterator[Path]:
    if photo is not None:
        yield photo
        return
    with as_file(files("client") / "sample" / SAMPLE) as sample:
        yield sample


def _save(client: Client, job: Job) -> Path:
    """The result as ``out/demo/result.jpg``, or with the extension of what it is."""
    assert job.state is State.COMPLETED
    assert job.result is not None
    extension = EXTENSIONS.get(job.result.pictures[0].content_type, ".bin")
    return client.download(job, FOLDER / f"result{extension}")


def _farewell(job: Job, result: Path, sheet: Path, style: str) -> str:
    """Where the pictures are, what made them, and what to try next."""
    assert job.result is not None
    seconds = sum(each.seconds for each in job.timeline)
    quality = f", quality {job.result.quality.score:.2f}" if job.result.quality else ""
    other = next(name for name in styles() if name != style)
    lines = [
        "",
        f"Result        {result}   ({job.result.engine} engine, {seconds:.1f} s of stages{quality})",
        f"Side by side  {sheet}",
        *(f"Note          {note}" for note in job.result.notes),
        "",
        "Try next",
        f"  make demo STYLE={other}                       another style (darkroom styles shows them all)",
        "  make demo PHOTO=me.jpg                      a photo of yours",
        "  .venv/bin/darkroom up --detach              keep the stack running, then:",
        f"  .venv/bin/darkroom run restyle_room me.jpg --style {other}",
        "  .venv/bin/darkroom down",
    ]
    return "\n".join(lines)
