"""Checks of account and region, on answers as botocore's service models have them."""

import pytest

from infra.commands.deploy import account_checks as checks
from infra.commands.deploy.finding import Level, run_check
from infra.config import Config
from tests.infra.commands.deploy.stubbed_account import StubbedAccount

CONFIG = Config()
QUOTA = "ml.g4dn.xlarge for endpoint usage"


def test_a_region_without_the_cdk_bootstrap_is_told_the_command(account: StubbedAccount) -> None:
    account.refuse("ssm", "get_parameter", "ParameterNotFound")
    found = checks.check_bootstrap(account)
    assert found.level is Level.FAILED
    assert "bootstrap aws://111122223333/eu-west-1" in found.remedy


@pytest.mark.parametrize(("version", "level"), [("5", Level.FAILED), ("6", Level.OK), ("30", Level.OK)])
def test_templates_need_version_6_of_the_bootstrap(account: StubbedAccount, version: str, level: Level) -> None:
    account.answer("ssm", "get_parameter", {"Parameter": {"Value": version}})
    assert checks.check_bootstrap(account).level is level


@pytest.mark.parametrize(
    ("status", "level", "remedy"),
    [
        ("UPDATE_COMPLETE", Level.OK, ""),
        ("UPDATE_ROLLBACK_COMPLETE", Level.OK, ""),
        ("ROLLBACK_COMPLETE", Level.FAILED, "destroy darkroom-main-gpu"),
        ("UPDATE_ROLLBACK_FAILED", Level.FAILED, "continue-update-rollback --stack-name darkroom-main-gpu"),
        ("UPDATE_IN_PROGRESS", Level.FAILED, "Wait"),
    ],
)
def test_a_stack_that_no_deployment_can_start_from_fails(
    account: StubbedAccount, status: str, level: Level, remedy: str
) -> None:
    account.stacks(core=("CREATE_COMPLETE", {}), gpu=(status, {}))
    found = checks.check_stacks(account, CONFIG)
    assert (found.level, remedy in found.remedy) == (level, True)


@pytest.mark.parametrize(("studio", "deployed", "level"), [(False, True, Level.FAILED), (False, False, Level.OK)])
def test_a_deployed_studio_must_go_before_the_key_says_so(
    account: StubbedAccount, studio: bool, deployed: bool, level: Level
) -> None:
    account.stack("studio", "CREATE_COMPLETE" if deployed else None)
    assert checks.check_studio(account, Config(studio=studio)).level is level


@pytest.mark.parametrize(
    ("value", "level"), [(0, Level.FAILED), (1, Level.WARNING), (9, Level.WARNING), (10, Level.OK)]
)
def test_the_quota_of_the_type_must_allow_one_instance_and_should_allow_the_maximum(
    account: StubbedAccount, value: int, level: Level
) -> None:
    others = [{"QuotaName": "ml.g4dn.xlarge for training job usage", "QuotaCode": "L-0", "Value": 99.0}]
    account.answer("service-quotas", "list_service_quotas", {"Quotas": others, "NextToken": "more"})
    ours = [{"QuotaName": QUOTA, "QuotaCode": "L-1928E07B", "Value": float(value)}]
    account.answer("service-quotas", "list_service_quotas", {"Quotas": ours})
    found = checks.check_instance_quota(account, CONFIG)
    assert found.level is level
    assert ("--quota-code L-1928E07B --desired-value 10" in found.remedy) is (level is not Level.OK)


def test_a_quota_that_was_never_changed_is_among_the_defaults(account: StubbedAccount) -> None:
    account.answer("service-quotas", "list_service_quotas", {"Quotas": []})
    ours = [{"QuotaName": QUOTA, "QuotaCode": "L-1928E07B", "Value": 0.0}]
    account.answer("service-quotas", "list_aws_default_service_quotas", {"Quotas": ours})
    assert checks.check_instance_quota(account, CONFIG).level is Level.FAILED


@pytest.mark.parametrize(("limit", "level"), [(10, Level.WARNING), (1000, Level.OK)])
def test_a_new_accounts_limit_of_functions_is_a_warning(account: StubbedAccount, limit: int, level: Level) -> None:
    account.answer("lambda", "get_account_settings", {"AccountLimit": {"UnreservedConcurrentExecutions": limit}})
    assert checks.check_function_concurrency(account).level is level


def test_a_call_that_is_not_allowed_is_one_unknown_line_that_names_it(account: StubbedAccount) -> None:
    account.refuse("lambda", "get_account_settings", "AccessDeniedException", "not authorized")
    found = run_check(lambda: checks.check_function_concurrency(account))
    assert found.level is Level.UNKNOWN
    assert found.found == "GetAccountSettings: not authorized"
