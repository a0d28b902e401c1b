"""Roles against the recorded calls of functions and container: nothing is missing, and nothing is there without need.

What the roles may not do at all, and options of the configuration, are in ``test_rights.py``.
"""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.aws_calls import CONTAINER, Call, read_record
from tests.infra.documented_rights import DOCUMENTED, OTHER_ROLES
from tests.infra.role_rights import RoleRights
from tests.infra.template import Assembly, Template, listed

# Calls of options that are off by default; ``research`` has them on.
OPTIONAL = ("bedrock:InvokeModel", "polly:SynthesizeSpeech")


@pytest.fixture(scope="module")
def calls() -> set[Call]:
    return read_record()


@pytest.fixture(scope="module")
def default_calls(calls: set[Call]) -> set[Call]:
    return {call for call in calls if call[1] not in OPTIONAL}


def unexplained(rights: RoleRights, calls: set[Call]) -> list[str]:
    """The rights that no call needs and no page of AWS explains."""
    return [
        f"{caller}: {right}"
        for caller, right in rights.unused(calls)
        if not any(known.covers(caller, right) for known in DOCUMENTED)
    ]


def test_every_call_is_allowed_by_its_role(cloud: Assembly, own: Assembly, default_calls: set[Call]) -> None:
    for deployment in (cloud, own):
        assert RoleRights.of(deployment).missing(default_calls) == []


def test_every_call_of_an_option_is_allowed_with_the_option(research: Assembly, calls: set[Call]) -> None:
    assert {action for _, action, _ in calls} >= set(OPTIONAL)
    assert RoleRights.of(research).missing(calls) == []


def test_a_role_allows_nothing_but_its_calls_and_what_aws_documents(
    cloud: Assembly, own: Assembly, research: Assembly, calls: set[Call]
) -> None:
    for deployment in (cloud, own, research):
        assert unexplained(RoleRights.of(deployment), calls) == []


def test_every_documented_reason_explains_a_right(cloud: Assembly, research: Assembly, calls: set[Call]) -> None:
    unused = [found for deployment in (cloud, research) for found in RoleRights.of(deployment).unused(calls)]
    idle = [known for known in DOCUMENTED if not any(known.covers(*found) for found in unused)]
    assert idle == []


@pytest.mark.parametrize("stack", ["core", "gpu", "studio"])
def test_every_role_has_recorded_calls_or_is_not_ours(
    cloud: Assembly, own: Assembly, calls: set[Call], stack: str
) -> None:
    for deployment in (cloud, own):
        callers = {role: caller for caller, role in RoleRights.of(deployment).roles().items()}
        assert set(callers.values()) - {"authorize"} == {caller for caller, _, _ in calls}
        for name, _ in deployment[stack].of_type("IAM::Role"):
            assert name in callers or name.startswith(tuple(OTHER_ROLES)), name


def changed(assembly: Assembly, change: Callable[[dict[str, Any]], None]) -> RoleRights:
    """The rights after a change of the dispatch function's statement about invocations of the endpoint."""
    core = Template(copy.deepcopy(assembly["core"].content))
    (statement,) = (
        statement
        for _, policy in core.of_type("IAM::Policy", "Eventsdispatch")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "sagemaker:InvokeEndpointAsync" in listed(statement["Action"])
    )
    change(statement)
    return RoleRights(core, assembly["gpu"])


def test_a_right_that_is_taken_away_is_named(cloud: Assembly, default_calls: set[Call]) -> None:
    rights = changed(cloud, lambda statement: statement.update(Action="sagemaker:DescribeEndpoint"))
    assert rights.missing(default_calls) == ["dispatch may not sagemaker:InvokeEndpointAsync on endpoint/current"]


def test_a_right_that_is_added_is_named(cloud: Assembly, default_calls: set[Call]) -> None:
    rights = changed(cloud, lambda statement: statement["Action"].append("sagemaker:InvokeEndpoint"))
    endpoint = "arn:AWS::Partition:sagemaker:AWS::Region:AWS::AccountId:endpoint/darkroom-test-g4dn-xlarge"
    assert unexplained(rights, default_calls) == [f"dispatch: sagemaker:InvokeEndpoint on {endpoint}"]


def test_a_resource_that_is_added_is_named(cloud: Assembly, default_calls: set[Call]) -> None:
    rights = changed(cloud, lambda statement: statement.update(Resource=[statement["Resource"], "*"]))
    assert unexplained(rights, default_calls) == [
        "dispatch: sagemaker:DescribeEndpoint on *",
        "dispatch: sagemaker:InvokeEndpointAsync on *",
    ]


def test_a_right_on_other_rows_is_missing(cloud: Assembly) -> None:
    call = ("dispatch", "dynamodb:UpdateItem", "table/sockets/guard#")
    assert RoleRights.of(cloud).missing({call}) == ["dispatch may not dynamodb:UpdateItem on table/sockets/guard#"]
    assert CONTAINER in RoleRights.of(cloud).roles()
