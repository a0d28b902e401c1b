"""cfn-lint on every template that the tests synthesize: CloudFormation's own schemas and rules.

They were not written here: resource types, properties, values, references and circles, in the region of the service
models. `make check` runs this file.
"""

import json
from functools import cache

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from tests.infra.template import Assembly, Template

# Rule, and why its remarks are accepted. Everything else fails.
ACCEPTED = {
    "W3005": "The CDK puts a function's role into DependsOn beside its policies; the role is referred to anyway.",
}
REGIONS = ["us-east-1", "eu-west-1"]


def remarks(template: Template) -> set[str]:
    """What cfn-lint says of a template: rule, path and message."""
    return _remarks(json.dumps(template.content))


@cache
def _remarks(content: str) -> set[str]:
    """The remarks on a template; deployments share some."""
    found = lint(content, config=ManualArgs(regions=REGIONS))
    return {f"{each.rule.id} {'/'.join(map(str, each.path or ()))}: {each.message}" for each in found}


def refused(template: Template) -> set[str]:
    """The remarks that are not accepted."""
    return {remark for remark in remarks(template) if remark.partition(" ")[0] not in ACCEPTED}


@pytest.mark.parametrize("stack", ["core", "gpu", "studio"])
def test_cfn_lint_accepts_a_deployment_with_every_default(cloud: Assembly, stack: str) -> None:
    assert refused(cloud[stack]) == set()


@pytest.mark.parametrize("stack", ["core", "gpu", "studio"])
def test_cfn_lint_accepts_a_deployment_with_its_own_issuer_and_domain(own: Assembly, stack: str) -> None:
    assert refused(own[stack]) == set()


@pytest.mark.parametrize("stack", ["core", "gpu", "studio"])
def test_cfn_lint_accepts_a_deployment_for_research(research: Assembly, stack: str) -> None:
    assert refused(research[stack]) == set()


def test_cfn_lint_accepts_the_local_stack(local: Template) -> None:
    assert refused(local) == set()


def test_every_accepted_rule_has_still_something_to_accept(cloud: Assembly) -> None:
    said = {remark.partition(" ")[0] for remark in remarks(cloud["core"])}
    assert set(ACCEPTED) <= said


def test_a_wrong_value_and_a_circle_are_refused() -> None:
    template = Template(
        {
            "Resources": {
                "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": "soon"}, "DependsOn": "Topic"},
                "Topic": {"Type": "AWS::SNS::Topic", "DependsOn": "Queue"},
            }
        }
    )
    assert {remark.partition(" ")[0] for remark in refused(template)} == {"E3004", "E3012"}
