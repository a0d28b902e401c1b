"""Check of settings that a deployment would take away: deployed values of context keys that nothing names any more.

Values are read from the templates of the deployed stacks. A key in the deployment's file or on the command line is
deliberate, whatever its value.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.commands.deploy.account import AwsAccount
from infra.commands.deploy.finding import Finding, Level
from infra.commands.deploy.options import PlannedDeployment
from infra.commands.deploy.stacks import find_stack, read_template, stack_names
from infra.config import Config

# Variables of functions that are named as their context key are found by that name; these are not.
FUNCTION_VARIABLES = {"CLIENT_ID": "audience"}
CONTAINER_VARIABLES = {"MODELS": "models", "ACCEPT_RESEARCH_LICENCE": "accept_research_licence", "SPEECH": "speech"}
# The default of a key follows from another one: where that is given, the change is deliberate, too.
FOLLOWS = {
    "instance_usd_per_hour": "instance_type",
    "inference_ami": "instance_type",
    "stop_usd": "daily_usd",
    "cache_days": "retention_days",
}
CREATING = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE")


@dataclass(frozen=True)
class ChangedSetting:
    """A context key that nothing names, its deployed value, and the one that a deployment would set instead."""

    key: str
    before: str
    after: str

    @property
    def taken_away(self) -> bool:
        """True if the next deployment would have no value."""
        return self.after in ("", "{}", "[]", "false")

    def __str__(self) -> str:
        return f"{self.key} = {self.before}" if self.taken_away else f"{self.key}: {self.before} → {self.after}"


def check_settings(account: AwsAccount, plan: PlannedDeployment, removed: Collection[str]) -> Finding:
    """Compare the deployed settings with the next deployment's. Keys in ``removed`` may go."""
    templates = [
        read_template(account, name)
        for name in stack_names(plan.config.stage)
        if (stack := find_stack(account, name)) is not None and stack.status not in CREATING
    ]
    if not templates:
        return Finding(Level.OK, "nothing is deployed yet")
    changed = [each for each in changed_settings(deployed_settings(templates), plan) if each.key not in removed]
    path = f"deployments/{plan.config.stage}.toml"
    if gone := [each for each in changed if each.taken_away]:
        keys = " ".join(f"--remove {each.key}" for each in gone)
        remedy = f"Write them to {path}, or check again with {keys} if they are to go."
        return Finding(Level.FAILED, f"the deployment would take away {', '.join(map(str, gone))}", remedy)
    if changed:
        return Finding(
            Level.WARNING,
            f"the deployment would change {', '.join(map(str, changed))}",
            f"Write to {path} what is to stay.",
        )
    return Finding(Level.OK, "no setting would be taken away")


def changed_settings(deployed: Mapping[str, str], plan: PlannedDeployment) -> Iterator[ChangedSetting]:
    """Yield the deployed settings that nothing names and that the next deployment would not keep."""
    for key, before in deployed.items():
        after = setting_text(getattr(plan.config, key))
        if not plan.given & {key, FOLLOWS.get(key, key)} and before != after:
            yield ChangedSetting(key, before, after)


def setting_text(value: object) -> str:
    """Return a setting as text, the same for deployed and planned ones.

    >>> setting_text(None), setting_text(True), setting_text(10.0), setting_text({"a": "b"})
    ('', 'true', '10', '{"a": "b"}')
    """
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:g}"
        case str():
            return _canonical(str(value))
        case _:
            return json.dumps(value)


def _canonical(text: str) -> str:
    """Return a number or JSON in a template's text in the form of ``setting_text``, other text unchanged."""
    try:
        value = json.loads(text)
    except ValueError:
        return text.lower() if text in ("True", "False") else text
    return text if isinstance(value, str) or value is None else setting_text(value)


def deployed_settings(templates: list[dict[str, Any]]) -> dict[str, str]:
    """Return the values of context keys that the templates of a deployment show as plain text."""
    found: dict[str, str] = {}
    for template in templates:
        for resource in template.get("Resources", {}).values():
            for key, value in _settings_of(resource["Type"], resource.get("Properties", {})):
                if isinstance(value, str | int | float | bool | list):
                    found[key] = setting_text(value)
    return found


def _settings_of(kind: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield context keys and values of one resource. A value that refers to another resource is a mapping."""
    match kind:
        case "AWS::Lambda::Function":
            for name, value in properties.get("Environment", {}).get("Variables", {}).items():
                key = FUNCTION_VARIABLES.get(name, name.lower())
                if key in Config.model_fields:
                    yield key, value
        case "AWS::SageMaker::Model":
            container = properties["PrimaryContainer"]
            yield "image", container["Image"]
            yield "model_data", container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri", {})
            for name, key in CONTAINER_VARIABLES.items():
                yield key, container.get("Environment", {}).get(name, {})
        case "AWS::SageMaker::EndpointConfig":
            variant = properties["ProductionVariants"][0]
            yield "instance_type", variant["InstanceType"]
            yield "inference_ami", variant.get("InferenceAmiVersion", {})
            asynchronous = properties.get("AsyncInferenceConfig", {}).get("ClientConfig", {})
            yield "jobs_per_instance", asynchronous.get("MaxConcurrentInvocationsPerInstance", {})
        case "AWS::SNS::Subscription" if properties.get("Protocol") == "email":
            yield "alarm_email", properties["Endpoint"]
        case "AWS::ApiGatewayV2::Api" if "CorsConfiguration" in properties:
            yield "origins", properties["CorsConfiguration"].get("AllowOrigins", {})
