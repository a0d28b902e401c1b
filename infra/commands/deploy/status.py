"""``darkroom deploy status``: stacks, endpoint, alarms and the day's cost of a deployment."""

from collections.abc import Iterator

import typer
from botocore.exceptions import BotoCoreError, ClientError

from infra.commands.deploy.account import AwsAccount, open_account
from infra.commands.deploy.endpoint_report import EndpointReport, Line
from infra.commands.deploy.errors import aws_errors
from infra.commands.deploy.options import DEFAULT_STAGE, StageFlag, check_stage
from infra.commands.deploy.stacks import Stack, find_stack, stack_names
from infra.commands.deploy.tables import print_next, print_table

COMPLETE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="Example:  darkroom deploy status --stage main")
def status(stage: StageFlag = DEFAULT_STAGE) -> None:
    """Show stacks, endpoint, alarms and the day's cost. Exit code 0 if all is well, otherwise 1.

    A stack that is not deployed is shown, and no fault: the GPU and the studio can come later.
    """
    check_stage(stage)
    account = open_account()
    with aws_errors():
        core, gpu, studio = (find_stack(account, name) for name in stack_names(stage))
    lines = [_stack_line(name, stack) for name, stack in zip(stack_names(stage), (core, gpu, studio), strict=True)]
    if core is not None and gpu is not None and "EndpointName" in gpu.outputs:
        lines += EndpointReport(account, gpu.outputs["EndpointName"], core.outputs["SocketsTable"]).lines()
    if core is not None:
        lines += _alarm_lines(account, core)
    print_table(["what", "", "state"], [[line.what, "" if line.good else "!", line.value] for line in lines])
    _print_next(stage, core, gpu, lines)
    raise typer.Exit(0 if core is not None and all(line.good for line in lines) else 1)


def _stack_line(name: str, stack: Stack | None) -> Line:
    if stack is None:
        return Line(name, "not deployed")
    reason = f": {stack.reason}" if stack.reason else ""
    return Line(name, f"{stack.status}{reason}, {stack.changed_at:%Y-%m-%d %H:%M} UTC", good=stack.status in COMPLETE)


def _alarm_lines(account: AwsAccount, core: Stack) -> Iterator[Line]:
    """Yield a line for each alarm of the stacks that has fired, or one that says that none has."""
    try:
        pages = account.client("cloudwatch").get_paginator("describe_alarms")
        alarms = [
            alarm
            for page in pages.paginate(AlarmNamePrefix=core.name, AlarmTypes=["MetricAlarm"])
            for alarm in page["MetricAlarms"]
            # Others, such as those of the scaling policies, are no faults.
            if core.outputs["AlarmsTopic"] in alarm.get("AlarmActions", [])
        ]
    except (ClientError, BotoCoreError) as error:
        yield Line("alarms", f"unknown: {error}")
        return
    fired = [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]
    for alarm in fired:
        yield Line("alarm", f"{alarm['AlarmName']}: {alarm.get('AlarmDescription', '')}", good=False)
    if not fired:
        yield Line("alarms", f"none of {len(alarms)} has fired")


def _print_next(stage: str, core: Stack | None, gpu: Stack | None, lines: list[Line]) -> None:
    if core is None:
        print_next((f"darkroom deploy check --stage {stage}", "what a first deployment needs"))
    elif gpu is None:
        print_next((f"npx aws-cdk@^2.1147 deploy darkroom-{stage}-gpu", "the models engine; until then its jobs wait"))
    elif all(line.good for line in lines):
        print_next((f"darkroom deploy try --stage {stage}", "one real job of each kind"))
    else:
        group = f"/aws/sagemaker/Endpoints/{gpu.outputs.get('EndpointName', '')}"
        print_next(
            (f"aws logs tail {group} --since 1h", "what the container wrote"),
            (f"darkroom deploy check --stage {stage}", "quota, image and weights"),
        )
