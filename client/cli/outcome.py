"""What a command that makes pictures leaves behind: files, what it prints, and its exit code."""

from pathlib import Path
from typing import Annotated

import typer

from client.cli.output import Output
from client.cli.submission import explain
from client.client import Client
from client.errors import ClientError
from client.results import results
from pipeline.engine import Engine
from pipeline.jobs import Job, State

OutputFlag = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="File or folder for the result; a name after the picture in the current directory when left out. "
        "An extension chooses the format; several pictures become OUT.jpg, OUT-2.jpg, …",
        show_default=False,
    ),
]
EngineFlag = Annotated[
    Engine | None, typer.Option("--engine", help="Who does the work; the service's default when left out.")
]
NoCacheFlag = Annotated[
    bool, typer.Option("--no-cache", help="Make it anew, even if the same job of yours was done before.")
]


def collect(client: Client, job: Job, target: Output) -> list[Path]:
    """The results of a completed job on this disk; nothing for a job that ended otherwise."""
    if job.state is not State.COMPLETED or job.result is None:
        return []
    pictures = results(job)
    paths = target.paths(pictures)
    try:
        for picture, path in zip(pictures, paths, strict=True):
            client.download(job, path, name=picture.name)
    except OSError as error:
        raise ClientError("unwritable_file", str(error)) from error
    if target.file is not None and paths[0] != target.file:
        typer.echo(f"note: it came as {pictures[0].content_type}, so it is not called {target.file.name}", err=True)
    return paths


def report(job: Job, paths: list[Path], *, as_json: bool) -> None:
    """The results on stdout: the job, or the path of each picture. Exit code 1 when there is none."""
    if as_json:
        typer.echo(job.model_dump_json(indent=2))
    for path in paths:
        typer.echo(f"saved {path}" if as_json else path, err=as_json)
    explain(job)
    for note in job.result.notes if job.result else ():
        typer.echo(f"note: {note}", err=True)
