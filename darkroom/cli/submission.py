"""Submission of a job from a command: upload, watch, and handle Ctrl-C and failures."""

from dataclasses import dataclass
from typing import NoReturn

import typer

from darkroom.cli.output import echo
from darkroom.cli.progress import Reporter
from darkroom.client.client import Client
from darkroom.client.errors import ClientError, ProblemError
from darkroom.client.input_files import InputFile
from darkroom.client.responses import Created
from darkroom.contract.jobs import Job, State
from darkroom.contract.requests import BaseRequest


@dataclass(frozen=True)
class Submission:
    """The request, and the content of each role that is uploaded."""

    request: BaseRequest
    files: dict[str, InputFile]


def submit_and_watch(client: Client, submission: Submission, reporter: Reporter) -> Job:
    """Submit, upload and watch; return the job in its terminal state.

    Ctrl-C cancels the job and exits with code 1; a second one exits at once with 130. A rejected upload cancels the
    job, too, and exits with code 1.
    """
    return upload_and_watch(client, client.create(submission.request), submission.files, reporter)


def upload_and_watch(client: Client, created: Created, files: dict[str, InputFile], reporter: Reporter) -> Job:
    """Upload the files of a created job and watch it. Ends as ``submit_and_watch`` does."""
    job = created.job
    try:
        reporter.job_changed(job)
        if created.uploads:
            _upload(client, created, files, reporter)
        for state in client.watch(job):
            job = state
            reporter.job_changed(job)
    except KeyboardInterrupt:
        _cancel_and_exit(client, job, reporter)
    return job


def watch_job(client: Client, job_id: str, reporter: Reporter) -> Job:
    """Watch an existing job to its end. Ctrl-C does not affect it."""
    job = client.get(job_id)
    reporter.job_changed(job)
    for state in client.watch(job):
        job = state
        reporter.job_changed(job)
    return job


def exit_unless_completed(job: Job) -> None:
    """For a job without a result, print its code and message to stderr and exit with code 1."""
    if job.state is not State.COMPLETED:
        code = job.error.code if job.error else job.state
        again = " Trying again may help." if job.error and job.error.retryable else ""
        exit_with_error(job.state, code, (job.error.message if job.error else job.message) + again)


def exit_with_error(state: State, code: str, message: str) -> NoReturn:
    """Print ``darkroom: failed: unsupported_media: …`` to stderr and exit with code 1."""
    words = [state, *([code] if code != state else []), message]
    echo(f"darkroom: {': '.join(words)}", err=True)
    raise typer.Exit(1)


def _upload(client: Client, created: Created, files: dict[str, InputFile], reporter: Reporter) -> None:
    try:
        client.upload(created, files, progress=reporter.sending)
    except ClientError as error:
        client.abandon(created.job.job_id)
        exit_with_error(State.FAILED, error.code, error.message)
    except OSError as error:
        client.abandon(created.job.job_id)
        exit_with_error(State.FAILED, "unreadable_file", str(error))


def _cancel_and_exit(client: Client, job: Job, reporter: Reporter) -> NoReturn:
    reporter.say("Cancelling the job … (Ctrl-C again quits at once)")
    try:
        client.cancel(job.job_id)
    except ProblemError as error:
        exit_with_error(State.CANCELLED, error.code, f"It was too late to cancel job {job.job_id}: {error.message}")
    except ClientError as error:
        exit_with_error(State.CANCELLED, error.code, f"Job {job.job_id} could not be cancelled: {error.message}")
    exit_with_error(State.CANCELLED, "cancelled", f"You interrupted job {job.job_id}; it was cancelled.")
