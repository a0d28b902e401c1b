"""``darkroom deploy logs``: what functions and endpoint of a deployment wrote of one job, in order of time."""

import time
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from cloud.dynamodb.job_table import JobTable
from cloud.dynamodb.lenient_item import UnreadableItem
from darkroom.cli.output import echo
from darkroom.contract.jobs import JobId
from infra.commands.deploy.account import open_account
from infra.commands.deploy.deployment import Deployment, find_deployment
from infra.commands.deploy.errors import aws_errors
from infra.commands.deploy.job_logs import JobLogs
from infra.commands.deploy.options import DEFAULT_STAGE, StageFlag, check_stage
from infra.commands.deploy.tables import print_next
from infra.commands.log_printer import SinceFlag, print_lines, seconds_of

DEFAULT_SECONDS = 86_400
_job_id: TypeAdapter[str] = TypeAdapter(JobId)

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def _valid(job_id: str) -> str:
    try:
        return _job_id.validate_python(job_id)
    except ValidationError:
        raise typer.BadParameter("a job's id has 32 digits from 0 to 9 and a to f") from None


@app.command(epilog="Example:  darkroom deploy logs 0123456789abcdef0123456789abcdef")
def logs(
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID", help="Id of the job.", callback=_valid)],
    stage: StageFlag = DEFAULT_STAGE,
    since: SinceFlag = None,
) -> None:
    """Show the lines of functions and endpoint that name a job, in order of time: who wrote each, and tracebacks.

    They are looked for from the job's creation on; if the job is not in the table any more, within the last day.
    Exit code 1 if there is none.
    """
    check_stage(stage)
    deployment = find_deployment(open_account(), stage)
    with aws_errors():
        start = _created_at(deployment, job_id) if since is None else time.time() - seconds_of(since)
        reader = JobLogs(deployment)
        lines = reader.read(job_id, start)
    print_lines(lines)
    for group in reader.missing:
        echo(f"nothing was ever written to {group}", err=True)
    if not lines:
        echo(f"darkroom: no_lines: No line names job {job_id}. --since 7d looks further back.", err=True)
        print_next((f"darkroom deploy status --stage {stage}", "is the deployment well?"))
        raise typer.Exit(1)


def _created_at(deployment: Deployment, job_id: str) -> float:
    """Return the time to search from (epoch seconds): that of the job's creation, if it is known."""
    try:
        record = JobTable(deployment.jobs_table, deployment.client("dynamodb")).get(job_id)
    except UnreadableItem:
        record = None
    return time.time() - DEFAULT_SECONDS if record is None else record.created_at.timestamp() - 60
