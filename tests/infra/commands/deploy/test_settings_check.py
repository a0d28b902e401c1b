"""Check of the settings: what its finding says, for templates that CloudFormation returns."""

import json
from collections.abc import Collection
from typing import Any

import pytest

from infra.commands.deploy.finding import Finding, Level
from infra.commands.deploy.options import PlannedDeployment
from infra.commands.deploy.settings_check import check_settings
from infra.config import Config
from tests.infra.commands.deploy.stubbed_account import StubbedAccount

WEIGHTS = {"S3DataSource": {"S3Uri": "s3://ours/v1/"}}
GPU = {
    "Resources": {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {"PrimaryContainer": {"Image": {"Fn::Sub": "…"}, "ModelDataSource": WEIGHTS}},
        },
        "Guard": {
            "Type": "AWS::Lambda::Function",
            "Properties": {"Environment": {"Variables": {"MAX_INSTANCES": "4", "STOP_USD": "100.0"}}},
        },
    }
}


def check(account: StubbedAccount, *, removed: Collection[str] = (), **given: Any) -> Finding:
    plan = PlannedDeployment(Config(**given), frozenset(given))
    account.stack("core")
    account.stack("gpu", "UPDATE_COMPLETE")
    account.answer("cloudformation", "get_template", {"TemplateBody": json.dumps(GPU)})
    account.stack("studio")
    return check_settings(account, plan, removed)


def test_weights_that_a_deployment_would_take_away_fail(account: StubbedAccount) -> None:
    found = check(account, max_instances=4)
    assert found.level is Level.FAILED
    assert found.found == "the deployment would take away model_data = s3://ours/v1/"
    assert "deployments/main.toml" in found.remedy
    assert "--remove model_data" in found.remedy


def test_weights_that_may_go_pass(account: StubbedAccount) -> None:
    assert check(account, removed=["model_data"], max_instances=4).level is Level.OK


def test_a_value_that_falls_back_to_its_default_is_a_warning(account: StubbedAccount) -> None:
    found = check(account, model_data="s3://ours/v1/")
    assert (found.level, found.found) == (Level.WARNING, "the deployment would change max_instances: 4 → 10")


def test_other_weights_on_purpose_pass(account: StubbedAccount) -> None:
    assert check(account, model_data="s3://ours/v2/", max_instances=4).level is Level.OK


@pytest.mark.parametrize("status", [None, "ROLLBACK_COMPLETE"])
def test_a_first_deployment_takes_nothing_away(account: StubbedAccount, status: str | None) -> None:
    for name in ("core", "gpu", "studio"):
        account.stack(name, status)
    assert check_settings(account, PlannedDeployment(Config(), frozenset()), ()).level is Level.OK
