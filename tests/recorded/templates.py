"""Synthesized templates, compared by content, without what changes with their code or the machine."""

import json
import re
from typing import Any

from tests.infra.template import Assembly
from tests.recorded.files import Files, differences

STACKS = ("core", "gpu", "studio")
# What deployments choose, by the name of the folder that their templates are recorded in. ``cloud``, ``own`` and
# ``local`` are the contexts of the fixtures in ``tests/infra``, which tests have synthesized anyway.
CONTEXTS: dict[str, dict[str, str]] = {
    "default": {"stage": "test"},
    "options": {
        "stage": "test",
        "studio": "false",
        "default_engine": "models",
        "instance_type": "ml.g5.xlarge",
        "model_data": "s3://our-models/darkroom/v1/",
        "models": '{"detector": "rt-detr-r18"}',
        "accept_research_licence": "true",
        "speech": "polly",
        "preload": "restyle_room,generate",
        "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/darkroom:1",
        "rate_limits": '{"generate": "10/60"}',
        "owner_daily_usd": "0",
        "cache_days": "0",
        "bedrock_model": "anthropic.claude-haiku-4-5-20251001-v1:0",
        "daily_usd": "20",
        "stop_usd": "30",
    },
}
# Types whose names, keys and logical ids outlive a deployment or are known outside of it.
LASTING = (
    "AWS::DynamoDB::Table",
    "AWS::DynamoDB::GlobalTable",
    "AWS::S3::Bucket",
    "AWS::Cognito::",
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
    "AWS::ApiGatewayV2::Route",
    "AWS::SQS::Queue",
    "AWS::SNS::Topic",
    "AWS::Events::EventBus",
    "AWS::SageMaker::",
    "AWS::CloudFront::Distribution",
    "AWS::IAM::Role",
    "AWS::Lambda::Function",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Logs::LogGroup",
)
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
_ANALYTICS = "CDKMetadata"
# Directives that later versions added to the end of the studio's content security policy: an addition, in one text.
_ADDED_DIRECTIVES = "; require-trusted-types-for 'script'; trusted-types default"
# The filter of ``ended``, and the wider one of later versions, which lets terminal states of newer ones pass.
_ENDED = '{"dynamodb":{"NewImage":{"state":{"S":["completed","failed","cancelled","expired"]}}}}'
_NOT_OPEN = (
    '{"dynamodb":{"NewImage":{"state":{"S":[{"anything-but":["awaiting_upload","queued","dispatched","running"]}]}}}}'
)
# The endpoint's name in later versions, which has the instance type, since SageMaker cannot change that of an endpoint.
_TYPED_ENDPOINT = re.compile(r"\bdarkroom-test-g\w+-xlarge\b")

# Other intended differences to 0.1.0, by the beginning of their line, and why they are intended.
INTENDED = {
    r"\S*\.Variables\.JWKS_URL: \"\"": "The discovery document of an issuer names its keys.",
    r"\S*\.DeletionPolicy: \"RetainExceptOnCreate\"": "A first deployment that fails leaves nothing behind.",
    r"Resources\.Backlog\w+\.\S+\.(ScaleInCooldown|TargetValue): ": "A busy fleet must not look idle.",
    r"Resources\.\w+[Rr]oleDefaultPolicy\w+\.\S+\.Statement": "Rights follow calls: tests/infra/test_role_rights.py.",
    r"Resources\.SocketLive(dis)?connectRoute": "The authorizer accepts connections, and push notices closed ones.",
    r"Resources\.Socket(push|socket)\S+\.Variables\.SOCKETS_TABLE is gone": "Rows of jobs have the subscriptions.",
    r"Resources\.Socketpush\S+\.FilterCriteria": "Push runs only for jobs with subscriptions.",
    r"Resources\.StoragePicturesPolicy\w+\.\S+\.Statement has 3 entries": "destroy=true empties the bucket first.",
}


def normalised(template: dict[str, Any]) -> dict[str, Any]:
    """A template with placeholders for digests of assets, and without what the CDK says of itself."""
    kept = {name: value for name, value in template.items() if name not in ("Rules", "Conditions")}
    resources = {name: value for name, value in template["Resources"].items() if name != _ANALYTICS}
    conditions = {name: value for name, value in template.get("Conditions", {}).items() if _ANALYTICS not in name}
    found: dict[str, Any] = _placeholders(kept | {"Resources": resources})
    return found | ({"Conditions": conditions} if conditions else {})


def files(name: str, assembly: Assembly) -> Files:
    """The templates of an assembly, by the name of their file."""
    found = {}
    for stack in STACKS:
        try:
            content = assembly[stack].content
        except FileNotFoundError:
            continue
        found[f"templates/{name}/{stack}"] = normalised(content)
    return found


def lasting(template: dict[str, Any]) -> dict[str, Any]:
    """Of a normalised template, what must not change when code moves: outputs, and what keeps or names something."""
    resources = {
        name: resource for name, resource in template["Resources"].items() if resource["Type"].startswith(LASTING)
    }
    return {"Resources": resources, "Outputs": template.get("Outputs", {})}


def changed(recorded: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Differences in the lasting parts; additions are none."""
    return _unintended(lasting(recorded), lasting(now))


def differing(recorded: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Differences in the whole template, except names of modules; additions are none."""
    return _unintended(recorded, now)


def _unintended(recorded: dict[str, Any], now: dict[str, Any]) -> list[str]:
    found = differences(*(_plain(each) for each in (recorded, _without_intended_changes(now))))
    return [line for line in found if not any(re.match(pattern, line) for pattern in INTENDED)]


def _plain(template: dict[str, Any]) -> Any:
    """A template without what is compared elsewhere or says nothing."""
    return _without_tracing(_without_code(_with_suffix(template)))


def _with_suffix(value: Any) -> Any:
    """A value with the domain of AWS's standard partition for the reference to it, which later versions have."""
    match value:
        case {"Fn::Join": ["", [*parts]]}:
            joined: list[Any] = []
            for part in ("amazonaws.com" if part == {"Ref": "AWS::URLSuffix"} else part for part in parts):
                if joined and isinstance(joined[-1], str) and isinstance(part, str):
                    joined[-1] += part
                else:
                    joined.append(_with_suffix(part))
            return {"Fn::Join": ["", joined]}
        case dict():
            return {name: _with_suffix(member) for name, member in value.items()}
        case list():
            return [_with_suffix(member) for member in value]
        case _:
            return value


def _without_intended_changes(value: Any) -> Any:
    match value:
        case str():
            kept = _TYPED_ENDPOINT.sub("darkroom-test", value)
            return _ENDED if value == _NOT_OPEN else kept.removesuffix(_ADDED_DIRECTIVES)
        case dict():
            return {name: _without_intended_changes(member) for name, member in value.items()}
        case list():
            return [_without_intended_changes(member) for member in value]
        case _:
            return value


def _without_tracing(value: Any) -> Any:
    """A value without X-Ray, which is off by default in later versions. The order of a policy's statements, which the
    CDK merges by their actions, does not count.
    """
    match value:
        case {"Statement": [*statements]}:
            kept = [_without_xray(statement) for statement in statements]
            ordered = sorted((each for each in kept if each["Action"]), key=json.dumps)
            return {**{name: _without_tracing(member) for name, member in value.items()}, "Statement": ordered}
        case dict():
            return {name: _without_tracing(member) for name, member in value.items() if name != "TracingConfig"}
        case list():
            return [_without_tracing(member) for member in value]
        case _:
            return value


def _without_xray(statement: dict[str, Any]) -> dict[str, Any]:
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    return statement | {"Action": [action for action in actions if not action.startswith("xray:")]}


def _without_code(value: Any) -> Any:
    """A value without the names of modules: a function's handler, and what a construct's place in the code is."""
    match value:
        case dict():
            return {
                name: _without_code(member) for name, member in value.items() if name not in ("Handler", "Metadata")
            }
        case list():
            return [_without_code(member) for member in value]
        case _:
            return value


def _placeholders(value: Any) -> Any:
    match value:
        case str():
            return _DIGEST.sub("DIGEST", value)
        case dict():
            return {_DIGEST.sub("DIGEST", name): _placeholders(member) for name, member in value.items()}
        case list():
            return [_placeholders(member) for member in value]
        case _:
            return value
