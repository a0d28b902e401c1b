"""``darkroom jobs``: list, show, download, cancel, watch, rerun."""

import json
from itertools import islice
from typing import Annotated

import typer
from rich.table import Table

from darkroom.cli.console import console
from darkroom.cli.output import echo
from darkroom.cli.output_path import choose_output, format_of
from darkroom.cli.param_flags import parse_changes
from darkroom.cli.progress import format_bytes, headline, reporting
from darkroom.cli.save_results import EngineFlag, NoCacheFlag, OutputFlag, download_results, print_results
from darkroom.cli.service import connect
from darkroom.cli.settings import EndpointFlag, JsonFlag, TokenFlag
from darkroom.cli.submission import create_and_watch, exit_unless_completed, watch_job
from darkroom.client.errors import ClientError, JobError
from darkroom.client.responses import Created
from darkroom.client.result_files import downloadable_files
from darkroom.contract.jobs import Job, State
from darkroom.contract.kinds import Kind
from darkroom.contract.languages import UNDETERMINED
from darkroom.contract.open_enum import unknown_values
from darkroom.contract.results import Picture, ResultFile, SubtitleFile, Video

LARGEST_PAGE = 100
NEWER_VERSION = (
    "Made by a newer version, with values that are unknown here. To know them: pip install --upgrade darkroom-sdk"
)

JobArgument = Annotated[str, typer.Argument(metavar="JOB_ID", help="Id, as shown by `darkroom jobs list`.")]

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    epilog="Example:  darkroom jobs list --status failed --json",
)


@app.callback()
def jobs() -> None:
    """Manage your jobs."""


@app.command("list")
def list_jobs(
    status: Annotated[State | None, typer.Option(help="Only jobs in this state.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Only jobs of this kind.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of jobs.")] = 20,
    as_json: JsonFlag = False,
    endpoint: EndpointFlag = None,
    token: TokenFlag = None,
) -> None:
    """List your jobs, newest first."""
    with connect(endpoint, token) as client:
        found = list(islice(client.list(status=status, kind=kind, page=min(limit, LARGEST_PAGE)), limit))
    if as_json:
        echo(json.dumps([job.model_dump(mode="json") for job in found], indent=2))
        return
    table = Table("job", "kind", "state", "progress", "created", "made", "what", box=None, pad_edge=False)
    table.columns[0].no_wrap = table.columns[2].no_wrap = True
    for job in found:
        created = job.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(
            job.job_id, job.kind, job.state, f"{job.progress:.0%}", created, _result_summary(job), _status_text(job)
        )
    console().print(table)
    if any(job.newer_version or unknown_values(job) for job in found):
        echo(f"note: {NEWER_VERSION}", err=True)


@app.command()
def show(
    job_id: JobArgument, as_json: JsonFlag = False, endpoint: EndpointFlag = None, token: TokenFlag = None
) -> None:
    """Show a job: its state, times, cost, and links to its files."""
    with connect(endpoint, token) as client:
        job = client.get(job_id)
    if as_json:
        echo(job.model_dump_json(indent=2))
        return
    for name, value in _fields(job):
        echo(f"{name:<10} {value}")


@app.command()
def download(
    job_id: JobArgument,
    name: Annotated[
        str | None,
        typer.Option(help="Only the file with this name, as shown by `darkroom jobs show`.", show_default=False),
    ] = None,
    output: OutputFlag = None,
    as_json: JsonFlag = False,
    endpoint: EndpointFlag = None,
    token: TokenFlag = None,
) -> None:
    """Save the files of a completed job. Prints the path of each."""
    with connect(endpoint, token) as client:
        job = client.get(job_id)
        if not job.ended:
            raise ClientError("conflict", f"The job is {headline(job)}: there is nothing to download yet.")
        exit_unless_completed(job)
        if name is None:
            format_of(job.kind, output, None)
        target = choose_output(output, f"{job.kind}_{job.job_id[:8]}" if name is None else f"{name}_{job.job_id[:8]}")
        paths = download_results(client, job, target, name=name)
    print_results(job, paths, as_json=as_json)


@app.command()
def cancel(
    job_ids: Annotated[list[str], typer.Argument(metavar="JOB_ID...", help="Ids of one or more jobs.")],
    as_json: JsonFlag = False,
    endpoint: EndpointFlag = None,
    token: TokenFlag = None,
) -> None:
    """Cancel jobs. A job that has already ended is an error (`conflict`)."""
    with connect(endpoint, token) as client:
        for job_id in job_ids:
            job = client.cancel(job_id)
            echo(job.model_dump_json(indent=2) if as_json else f"{job.job_id} {job.state}")


@app.command()
def watch(
    job_id: JobArgument, as_json: JsonFlag = False, endpoint: EndpointFlag = None, token: TokenFlag = None
) -> None:
    """Watch a job until it ends. Exit code 0 if it completed, otherwise 1. Ctrl-C does not cancel the job."""
    with connect(endpoint, token) as client, reporting() as reporter:
        job = watch_job(client, job_id, reporter)
    echo(job.model_dump_json(indent=2) if as_json else f"{job.job_id} {job.state}")
    exit_unless_completed(job)


@app.command()
def rerun(
    job_id: JobArgument,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A param to change (repeatable); null restores the default."),
    ] = None,
    engine: EngineFlag = None,
    no_cache: NoCacheFlag = False,
    output: OutputFlag = None,
    as_json: JsonFlag = False,
    endpoint: EndpointFlag = None,
    token: TokenFlag = None,
) -> None:
    """Run a job again with some params changed, without uploading again. Ends as `darkroom run` does."""
    with reporting() as reporter, connect(endpoint, token) as client:
        before = client.get(job_id)
        if not before.kind.known:
            raise ClientError("unknown_to_version", f"{before.kind} is a kind of a newer version. {NEWER_VERSION}")
        params = parse_changes(before.kind, before.params, changes or [])
        if wanted := format_of(before.kind, output, str(params["format"]) if "format" in params else None):
            params["format"] = wanted
        style = params.get("style", before.params.get("style"))
        target = choose_output(output, f"{before.kind}_{style}" if style else str(before.kind))

        def create(key: str) -> Created:
            return client.rerun(job_id, params, engine=engine, cache=not no_cache, idempotency_key=key)

        job = create_and_watch(client, create, {}, reporter)
        paths = download_results(client, job, target)
    print_results(job, paths, as_json=as_json)


def _status_text(job: Job) -> str:
    return f"{job.error.code}: {job.error.message}" if job.error else headline(job)


def _result_summary(job: Job) -> str:
    """Return a summary of the job's result files."""
    if job.result is None or job.state is not State.COMPLETED:
        return "–"
    try:
        files = downloadable_files(job)
    except JobError:  # of a newer version, with files of another sort
        return "–"
    total = format_bytes(sum(each.size for each in files))
    if isinstance(files[0], Video):
        return f"{files[0].seconds:.1f} s, {total}"
    return f"{len(files)} pictures, {total}" if len(files) > 1 else total


def _file_summary(file: ResultFile) -> str:
    """Return a file's type, size, dimensions and duration, as far as its type has them."""
    facts = [file.content_type, format_bytes(file.size)]
    if isinstance(file, SubtitleFile):
        language = "language unknown" if file.language == UNDETERMINED else file.language
        facts.insert(1, f"{language}, {file.cues} cues")
    if isinstance(file, Picture):
        facts.insert(0, f"{file.width}×{file.height}")
    if isinstance(file, Video):
        facts.insert(1, f"{file.seconds:.1f} s")
    return ", ".join(facts)


def _fields(job: Job) -> list[tuple[str, str]]:
    """Return the labels and values of ``darkroom jobs show``, in order."""
    facts = [
        ("job", job.job_id),
        ("kind", str(job.kind)),
        ("params", json.dumps(job.params)),
        ("state", f"{headline(job)} ({job.progress:.0%}, attempt {job.attempt}, seq {job.seq})"),
        ("created", job.created_at.astimezone().isoformat(" ", "seconds")),
        ("updated", job.updated_at.astimezone().isoformat(" ", "seconds")),
    ]
    if job.newer_version or unknown_values(job):
        facts.append(("note", NEWER_VERSION))
    if job.error:
        facts.append(("error", f"{job.error.code}: {job.error.message}"))
    if job.timeline:
        facts.append(("timeline", ", ".join(f"{each.stage} {each.seconds:.2f} s" for each in job.timeline)))
    if job.cost_usd is not None:
        facts.append(("cost", f"${job.cost_usd:.5f}"))
    if job.result:
        facts.append(("engine", str(job.result.engine)))
        if job.result.quality:
            facts.append(("quality", f"{job.result.quality.score:.2f}"))
        facts += [("note", note) for note in job.result.notes]
        facts += [(each.name, f"{_file_summary(each)} {each.url or each.key}") for each in job.result.files]
    return facts
