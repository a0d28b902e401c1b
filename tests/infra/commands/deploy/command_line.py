"""``darkroom deploy`` as a test calls it, and the outputs of the stacks that it finds."""

from typing import ClassVar

import typer
from typer.testing import CliRunner, Result

from darkroom.cli.lazy import LazyCommand, LazyGroup
from infra.commands import registry

CORE = {
    **dict.fromkeys(("ApiUrl", "SocketUrl", "Bucket", "JobsTable", "LedgerTable"), "https://api.example"),
    "SocketsTable": "sockets",
    "AlarmsTopic": "arn:aws:sns:eu-west-1:111122223333:alarms",
    "ApiFunction": "api-1",
}
GPU = {"EndpointName": "darkroom-main"}
JOB = "0123456789abcdef" * 2


class Group(LazyGroup):
    """The command as ``darkroom`` has it, whether or not its entry point is installed yet."""

    lazy: ClassVar[dict[str, LazyCommand]] = {"deploy": registry.DEPLOY}


def run(*arguments: str) -> Result:
    app = typer.Typer(cls=Group)
    app.callback()(lambda: None)
    return CliRunner().invoke(app, ["deploy", *arguments], env={"COLUMNS": "200"})
