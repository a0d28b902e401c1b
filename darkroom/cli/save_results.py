"""Saving of results: downloads files, prints their paths and sets the exit code."""

import os
from pathlib import Path
from typing import Annotated

import typer

from darkroom.cli.output import echo
from darkroom.cli.output_path import OutputTarget
from darkroom.cli.submission import exit_unless_completed, job_named, job_outlook
from darkroom.client.client import Client
from darkroom.client.errors import ClientError
from darkroom.client.output_files import is_named_pipe, is_stream
from darkroom.client.result_files import downloadable_files, file_named
from darkroom.contract.engine import Engine
from darkroom.contract.jobs import Job, State

# A file system allows 255. Names of further pictures and of subtitles are longer than the requested one.
LONGEST_NAME_BYTES = 230


def _check_length(requested: Path | None) -> Path | None:
    """Return the requested path. Raises ``typer.BadParameter`` if it is longer than a file system allows."""
    if requested is None:
        return None
    try:
        is_folder = requested.is_dir()
    except OSError as error:
        raise typer.BadParameter(f"{str(requested)!r}: {error.strerror}") from None
    if not is_folder and len(os.fsencode(requested.name)) > LONGEST_NAME_BYTES:
        raise typer.BadParameter(f"the name {requested.name!r} is longer than {LONGEST_NAME_BYTES} bytes")
    return requested


OutputFlag = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        callback=_check_length,
        help="File or folder of the result; when left out, a file in the current directory, named after the input. "
        "The extension sets a picture's format. Several pictures become OUT.jpg, OUT-2.jpg, …; subtitles are saved "
        "beside the video. A device or a pipe, such as /dev/null, takes one file.",
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
        with job_named(client, job):
            for file, path in zip(files, paths, strict=True):
                if is_named_pipe(path):
                    echo(f"note: writing to the pipe {path}, which waits for its reader", err=True)
                _download(client, job, file.name, path)
    except KeyboardInterrupt:
        echo(job_outlook(client, job), err=True)
        raise
    if target.file is not None and paths[0] != target.file:
        echo(f"note: it came as {files[0].content_type}, so it is not called {target.file.name}", err=True)
    return paths


def print_results(job: Job, paths: list[Path], *, as_json: bool) -> None:
    """Print the job or the path of each file. Exits with code 1 if the job has no result.

    The path of a device or a pipe goes to stderr: stdout may be where the result went.
    """
    try:
        if as_json:
            echo(job.model_dump_json(indent=2))
        for path in paths:
            beside = as_json or is_stream(path)
            echo(f"saved {path}" if beside else path, err=beside)
    except ClientError as error:
        error.add_note(f"Job {job.job_id} is {job.state}; saved: {', '.join(map(str, paths)) or 'nothing'}")
        raise
    exit_unless_completed(job)
    for note in job.result.notes if job.result else ():
        echo(f"note: {note}", err=True)


def _download(client: Client, job: Job, name: str, path: Path) -> None:
    try:
        client.download(job, path, name=name)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ClientError("unwritable_file", f"{path} cannot be written: {reason}.") from error
