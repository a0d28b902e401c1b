"""Options of the deploy commands: the stage, and the context that the next deployment would have."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import typer

from infra.config import Config, ConfigError
from infra.context_pairs import parse_context
from infra.deployment_file import with_deployment_file

StageFlag = Annotated[
    str, typer.Option("--stage", metavar="NAME", help="Stage of the deployment; its stacks are darkroom-<stage>.")
]
ContextFlag = Annotated[
    list[str] | None,
    typer.Option(
        "--context", "-c", metavar="KEY=VALUE", help="As for `cdk deploy -c`; repeatable.", show_default=False
    ),
]
DEFAULT_STAGE: str = Config.model_fields["stage"].default


@dataclass(frozen=True)
class PlannedDeployment:
    """Configuration of the next deployment, and the keys that its file or the command line give."""

    config: Config
    given: frozenset[str]


def read_plan(stage: str, pairs: Iterable[str] | None) -> PlannedDeployment:
    """Return the next deployment of a stage, as the CDK app would read it. Raises ``typer.BadParameter``."""
    try:
        context = {"stage": stage} | parse_context(pairs or ())
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint="'--context'") from None
    try:
        given = with_deployment_file(context)
        return PlannedDeployment(Config.read(given), frozenset(given))
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint=f"deployments/{context['stage']}.toml or '--context'") from None


def check_stage(stage: str) -> str:
    """Return a valid stage. Raises ``typer.BadParameter``."""
    try:
        return Config.read({"stage": stage}).stage
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint="'--stage'") from None
