"""Saving of results: downloads files, prints their paths and sets the exit code."""

from pathlib import Path
from typing import Annotated

import typer

from darkroom.cli.output import echo
from darkroom.cli.output_path import OutputTarget
from darkroom.cli.submission import exit_unless_completed
from darkroom.client.client import Client
from darkroom.client.errors import ClientError
from darkroom.client.result_files import downloadable_files, file_named
from darkroom.contract.engine import Engine
from darkroom.contract.jobs import Job, State

OutputFlag = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="File or folder of the result; when left out, a file in the current directory, named after the input. "
        "The extension sets a picture's format. Several pictures become OUT.jpg, OUT-2.jpg, …; subtitles are saved "
        "beside the video.",
        show_default=False,
    ),
]
EngineFlag = Annotated[
    Engine | None, typer.Option("--engine", help="Engine of the job; the service's default when left out.")
]
NoCacheFlag = Annotated[
    bool, typer.Option("--no-cache", help="Compute the result again, even if an equal job of yours has one.")
]


def download_results(client: Client, job: Job, target: OutputTarget, *, name: str | None = None) -> list[Path]:
    """Download the results and subtitles of a completed job; return no paths if it ended otherwise.

    With a ``name``, only that file. Raises ``DownloadError`` when the job does not have it.
    """
    if job.state is not State.COMPLETED or job.result is None:
        return []
    files = downloadable_files(job) if name is None else (file_named(job, name),)
    paths = list(target.paths(files))
    try:
        for file, path in zip(files, paths, strict=True):
            client.download(job, path, name=file.name)
    except OSError as error:
        raise ClientError("unwritable_file", str(error)) from error
    if target.file is not None and paths[0] != target.file:
        echo(f"note: it came as {files[0].content_type}, so it is not called {target.file.name}", err=True)
    return paths


def print_results(job: Job, paths: list[Path], *, as_json: bool) -> None:
    """Print the job or the path of each file. Exits with code 1 if the job has no result."""
    if as_json:
        echo(job.model_dump_json(indent=2))
    for path in paths:
        echo(f"saved {path}" if as_json else path, err=as_json)
    exit_unless_completed(job)
    for note in job.result.notes if job.result else ():
        echo(f"note: {note}", err=True)
