"""Submission of a job from a command: create, upload, watch, and handle Ctrl-C and failures.

A job that was created is cancelled, or named with the command that fetches its result: none is forgotten.
"""

import shlex
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import httpx2
import typer

from darkroom.cli.lazy import caused_by_interrupt
from darkroom.cli.output import echo
from darkroom.cli.progress import Reporter
from darkroom.client.client import Client
from darkroom.client.errors import ClientError, ProblemError, UnreachableError
from darkroom.client.input_files import InputFile
from darkroom.client.local_stack import FOLDER
from darkroom.client.network import is_loopback
from darkroom.client.private_mark import is_private
from darkroom.client.responses import Created
from darkroom.contract.jobs import Job, State
from darkroom.contract.requests import BaseRequest

MAY_EXIST = "The job may have been created: `darkroom jobs list` shows it, `darkroom jobs cancel ID` cancels it."
# Errors of a request that did not reach the service.
NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.InvalidURL,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)

Create = Callable[[str], Created]
"""Creates a job, given an idempotency key."""


@dataclass(frozen=True)
class Submission:
    """The request, and the content of each role that is uploaded."""

    request: BaseRequest
    files: dict[str, InputFile]


def submit_and_watch(client: Client, submission: Submission, reporter: Reporter) -> Job:
    """Submit, upload and watch; return the job in its terminal state. Ends as ``create_and_watch`` does."""
    return create_and_watch(
        client, lambda key: client.create(submission.request, idempotency_key=key), submission.files, reporter
    )


def create_and_watch(client: Client, create: Create, files: dict[str, InputFile], reporter: Reporter) -> Job:
    """Create a job, upload its files and watch it; return the job in its terminal state.

    Ctrl-C cancels the job and exits with code 1; a second one exits at once with 130. A rejected upload cancels the
    job, too, and exits with code 1.
    """
    created = _create(client, create, reporter)
    job = created.job
    try:
        with job_named(client, job):
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


@contextmanager
def job_named(client: Client, job: Job) -> Iterator[None]:
    """Add to an error what becomes of the job, as a note that is printed with it.

    An error that replaced a ``KeyboardInterrupt`` is raised as one.
    """
    try:
        yield
    except typer.Exit:
        raise
    except Exception as error:
        if caused_by_interrupt(error):
            raise KeyboardInterrupt from error
        if not any(job.job_id in note for note in getattr(error, "__notes__", ())):
            error.add_note(job_outlook(client, job))
        raise


def job_outlook(client: Client, job: Job) -> str:
    """Return what becomes of a job that the command leaves, and the command that fetches its result."""
    if _is_temporary(client):
        return f"Job {job.job_id} ends with the temporary local stack. `darkroom up` starts one that keeps its jobs."
    where = "" if is_loopback(client.endpoint) else f" --endpoint {shlex.quote(client.endpoint)}"
    fetches = f"`darkroom jobs download {job.job_id}{where}` fetches its result."
    if job.ended:
        return f"Job {job.job_id} is {job.state}{f': {fetches}' if job.state is State.COMPLETED else '.'}"
    return f"Job {job.job_id} goes on: `darkroom jobs watch {job.job_id}{where}` follows it, {fetches}"


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


def _create(client: Client, create: Create, reporter: Reporter) -> Created:
    """Create the job. Ctrl-C meanwhile cancels it, whether or not its response has arrived."""
    key = uuid.uuid4().hex
    try:
        return create(key)
    except KeyboardInterrupt:
        return _cancel_created_and_exit(client, create, key, reporter)
    except Exception as error:
        if caused_by_interrupt(error):
            return _cancel_created_and_exit(client, create, key, reporter)
        if _may_have_created(error):
            error.add_note(MAY_EXIST)
        raise


def _cancel_created_and_exit(client: Client, create: Create, key: str, reporter: Reporter) -> NoReturn:
    """Cancel the job that a request may have created, and exit.

    The request is repeated with its key, which returns that job. If the request had not arrived, this one creates the
    job. Cancelled at once, it costs nothing, but counts for the rate limit.
    """
    reporter.say("Cancelling the job … (Ctrl-C again quits at once)")
    try:
        created = create(key)
    except ClientError as error:
        if not _may_have_created(error):
            exit_with_error(State.CANCELLED, "cancelled", "You interrupted the command before a job was created.")
        exit_with_error(State.CANCELLED, error.code, f"{error.message} {MAY_EXIST}")
    _cancel_and_exit(client, created.job, reporter)


def _may_have_created(error: Exception) -> bool:
    """Return True if the request of an error may have created a job: it was sent, and no refusal has come."""
    if isinstance(error, ProblemError):
        return error.status >= 500
    if isinstance(error, UnreachableError):
        return not isinstance(error.__cause__, NOT_SENT)
    return not isinstance(error, ClientError)


def _upload(client: Client, created: Created, files: dict[str, InputFile], reporter: Reporter) -> None:
    try:
        client.upload(created, files, progress=reporter.sending)
    except Exception as error:
        what = _cancelled(client, created.job)
        if not isinstance(error, ClientError | OSError):
            error.add_note(what)
            raise
        code = error.code if isinstance(error, ClientError) else "unreadable_file"
        message = error.message if isinstance(error, ClientError) else str(error)
        exit_with_error(State.FAILED, code, message)


def _cancelled(client: Client, job: Job) -> str:
    """Cancel the job if possible; return what became of it. If it was not cancelled, print that."""
    try:
        client.cancel(job.job_id)
    except ClientError as error:
        left = f"Job {job.job_id} could not be cancelled: {error.message} `darkroom jobs cancel {job.job_id}` does it."
        echo(left, err=True)
        return left
    return f"Job {job.job_id} was cancelled."


def _cancel_and_exit(client: Client, job: Job, reporter: Reporter) -> NoReturn:
    reporter.say("Cancelling the job … (Ctrl-C again quits at once)")
    try:
        client.cancel(job.job_id)
    except ProblemError as error:
        exit_with_error(State.CANCELLED, error.code, f"It was too late to cancel job {job.job_id}: {error.message}")
    except ClientError as error:
        exit_with_error(State.CANCELLED, error.code, f"Job {job.job_id} could not be cancelled: {error.message}")
    exit_with_error(State.CANCELLED, "cancelled", f"You interrupted job {job.job_id}; it was cancelled.")


def _is_temporary(client: Client) -> bool:
    """Return True if the client's local stack is removed at the end of this command."""
    port = urlsplit(client.endpoint).port
    return is_loopback(client.endpoint) and is_private(Path(FOLDER, str(port)))
