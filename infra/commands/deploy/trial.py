"""``darkroom deploy try``: one real job of each kind after a deployment, hop by hop, and nothing left of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from darkroom.cli.output import echo
from darkroom.cli.settings import TokenFlag
from darkroom.client.client import Client
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import KINDS, Kind
from infra.commands.deploy.account import open_account
from infra.commands.deploy.deployment import Deployment, find_deployment, find_login, local_deployment
from infra.commands.deploy.options import DEFAULT_STAGE, StageFlag, check_stage
from infra.commands.deploy.socket_trial import ping_socket
from infra.commands.deploy.tables import print_next, print_table
from infra.commands.deploy.trial_cleanup import TrialCleanup
from infra.commands.deploy.trial_invocation import invoke_endpoint, new_job_id
from infra.commands.deploy.trial_job import Trial, TrialJob

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="Example:  darkroom deploy try --kind restyle_room")
def try_deployment(
    kind: Annotated[
        list[Kind] | None, typer.Option("--kind", help="Only this kind; repeatable.", show_default=False)
    ] = None,
    stage: StageFlag = DEFAULT_STAGE,
    token: TokenFlag = None,
    local: Annotated[bool, typer.Option("--local", help="Try the local stack of this directory instead.")] = False,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=1,
            max=65535,
            help="With --local: its port; the running one's when left out.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=240, metavar="MINUTES", help="Give a job up after this time.")
    ] = 30,
) -> None:
    """Run one real job of each kind on a built-in sample, and show the seconds of every hop against its budget.

    First the WebSocket is asked, and the endpoint is invoked without queue and functions. The jobs are those of the
    user who is signed in, and cost what they cost. Afterwards they are removed, with their pictures and cached results.
    Kinds whose models the deployment lacks are left out. Without an endpoint, previews are made. Exit code 1 if
    anything failed; a hop over its budget is marked, and is no failure.
    """
    if port is not None and not local:
        raise typer.BadParameter("belongs to --local", param_hint="'--port'")
    if local:
        deployment = local_deployment(port)
    else:
        check_stage(stage)
        deployment = find_deployment(open_account(), stage)
        deployment = replace(deployment, token=find_login(deployment, token))
    with _removed_afterwards(deployment) as created:
        trials = list(_run(deployment, kind or list(Kind), limit * 60.0, created))
        _print(trials)
    failed = [trial for trial in trials if trial.failed]
    _print_next(failed, stage, local=local)
    raise typer.Exit(1 if failed else 0)


def _run(
    deployment: Deployment, kinds: list[Kind], limit_seconds: float, created: Callable[[str], None]
) -> Iterator[Trial]:
    """Yield the trials, one after another, so that each has the machine to itself."""
    echo("trying the socket …", err=True)
    yield ping_socket(deployment)
    echo("invoking the endpoint …", err=True)
    job_id = new_job_id()
    created(job_id)
    endpoint = invoke_endpoint(deployment, job_id, limit_seconds)
    yield endpoint
    # Without an endpoint, the core alone makes previews.
    engine = Engine.PREVIEW if endpoint.outcome == "left out" else None
    for kind in kinds:
        if engine is not None and engine not in KINDS[kind].engines:
            yield Trial(kind, outcome="left out", note="it needs the endpoint, which is not deployed")
            continue
        echo(f"running {kind} …", err=True)
        yield TrialJob(deployment, kind, created, engine=engine).run(limit_seconds)


@contextmanager
def _removed_afterwards(deployment: Deployment) -> Iterator[Callable[[str], None]]:
    """Yield a function that takes the id of a job, and remove those jobs in the end, also after Ctrl-C.

    What has not ended is cancelled first.
    """
    job_ids: list[str] = []
    since = datetime.now(UTC)
    try:
        yield job_ids.append
    finally:
        try:
            with Client(deployment.api_url, deployment.token) as client:
                for job_id in job_ids:
                    client.abandon(job_id)
            count = TrialCleanup(deployment, since).remove(job_ids)
            echo(f"removed {len(job_ids)} jobs and {count} objects", err=True)
        except (AwsError, BotoCoreError) as error:
            left = " ".join(job_ids)
            echo(f"not all was removed ({error}); these jobs are left: {left}", err=True)


def _print(trials: list[Trial]) -> None:
    rows: list[list[str]] = []
    for trial in trials:
        budget = sum(hop.budget for hop in trial.hops if hop.budget is not None)
        rows.append(
            [trial.name, "", f"{trial.seconds:.1f}", f"{budget:.0f}" if budget else "", trial.outcome, trial.note]
        )
        for hop in trial.hops:
            limit = "" if hop.budget is None else f"{hop.budget:.0f}"
            rows.append(["", hop.name, f"{hop.seconds:.1f}", limit, "over its budget" if hop.late else "", ""])
    print_table(["trial", "hop", "seconds", "budget", "", "note"], rows)


def _print_next(failed: list[Trial], stage: str, *, local: bool) -> None:
    if not failed:
        print_next(
            ("darkroom stats", "the day's jobs, by kind") if local else ("darkroom deploy status", "alarms and cost")
        )
        return
    command = "darkroom logs --job {}" if local else f"darkroom deploy logs {{}} --stage {stage}"
    named = [trial for trial in failed if trial.job_id is not None]
    print_next(*((command.format(trial.job_id), f"what was written of {trial.name}") for trial in named))
