"""``darkroom deploy``: the group of the commands check, status, try and logs."""

from typing import ClassVar

import typer

from darkroom.cli.lazy import LazyCommand, LazyGroup

COMMANDS = {
    "check": LazyCommand("infra.commands.deploy.check", "Before a deployment: say what would make it fail."),
    "status": LazyCommand("infra.commands.deploy.status", "Show stacks, endpoint, alarms and the day's cost."),
    "try": LazyCommand("infra.commands.deploy.trial", "After a deployment: one real job of each kind, hop by hop."),
    "logs": LazyCommand("infra.commands.deploy.logs", "Show what functions and endpoint wrote of one job."),
}


class DeployGroup(LazyGroup):
    """Group whose commands import boto3 only when they run."""

    lazy: ClassVar[dict[str, LazyCommand]] = COMMANDS


app = typer.Typer(
    cls=DeployGroup,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    epilog="Example:  darkroom deploy check --stage main",
)


@app.callback()
def deploy() -> None:
    """Check, watch and try a deployment on AWS.

    Account and region are those of the AWS command line: AWS_PROFILE, AWS_REGION and what they stand for. Nothing here
    deploys: `npx aws-cdk deploy --all` does that. Without credentials, commands exit with code 2.
    """
