"""``darkroom deploy check``: say what would make a deployment fail, before it starts."""

import shlex
from collections import Counter
from collections.abc import Mapping
from typing import Annotated

import typer

from infra.commands.deploy import account_checks, image_check, instance_checks, settings_check, weights_checks
from infra.commands.deploy.account import AwsAccount, open_account
from infra.commands.deploy.finding import Check, Level, run_check
from infra.commands.deploy.options import DEFAULT_STAGE, ContextFlag, PlannedDeployment, StageFlag, read_plan
from infra.commands.deploy.tables import print_next, print_table
from infra.config import Config

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="Example:  darkroom deploy check -c instance_type=ml.g5.xlarge")
def check(
    stage: StageFlag = DEFAULT_STAGE,
    context: ContextFlag = None,
    remove: Annotated[
        list[str] | None,
        typer.Option(
            "--remove", metavar="KEY", help="A setting that may be taken away; repeatable.", show_default=False
        ),
    ] = None,
) -> None:
    """Check account, quotas, image, models and settings before `cdk deploy`, and say what to do about each.

    The settings are those of deployments/<stage>.toml and of -c, as for the deployment. Nothing is changed. A call
    that is not allowed is one line, `unknown`, and the other checks go on. Exit code 1 if the deployment would fail or
    not work, or take a setting away.
    """
    plan = read_plan(stage, context)
    if unknown := [key for key in remove or () if key not in Config.model_fields]:
        raise typer.BadParameter(f"there is no context key {unknown[0]!r}", param_hint="'--remove'")
    account = open_account()
    findings = {name: run_check(each) for name, each in checks(account, plan, remove or []).items()}
    rows = [["account", "ok", f"{account.account_id} in {account.region}, as {account.arn}", ""]]
    rows += [[name, found.level, found.found, found.remedy] for name, found in findings.items()]
    print_table(["check", "", "found", "what to do"], rows)
    levels = Counter(found.level for found in findings.values())
    if levels[Level.FAILED]:
        again = f"darkroom deploy check --stage {plan.config.stage}{_options(context)}"
        print_next((again, f"after mending what failed ({levels[Level.FAILED]})"))
        raise typer.Exit(1)
    print_next(
        (f"npx aws-cdk@^2.1147 deploy --all -c stage={plan.config.stage}{_options(context)}", "deploys"),
        (f"darkroom deploy status --stage {plan.config.stage}", "when it is deployed"),
    )


def checks(account: AwsAccount, plan: PlannedDeployment, removed: list[str]) -> Mapping[str, Check]:
    """Return the checks by name, in the order in which they are printed."""
    config = plan.config
    return {
        "bootstrap": lambda: account_checks.check_bootstrap(account),
        "stacks": lambda: account_checks.check_stacks(account, config),
        "studio": lambda: account_checks.check_studio(account, config),
        "settings": lambda: settings_check.check_settings(account, plan, removed),
        "instance quota": lambda: account_checks.check_instance_quota(account, config),
        "functions": lambda: account_checks.check_function_concurrency(account),
        "machine image": lambda: instance_checks.check_machine_image(config),
        "price": lambda: instance_checks.check_price(config),
        "container image": lambda: image_check.check_image(account, config),
        "model bucket": lambda: weights_checks.check_model_bucket(account, config),
        "weights": lambda: weights_checks.check_weights(account, config),
    }


def _options(context: list[str] | None) -> str:
    return "".join(f" -c {shlex.quote(each)}" for each in context or ())
