"""Credentials of the deploy commands: without usable ones, one sentence and exit code 2."""

from collections.abc import Callable

import pytest
from botocore.exceptions import EndpointConnectionError

from infra.commands.deploy import account as account_module
from tests.infra.commands.deploy.command_line import JOB, run
from tests.infra.commands.deploy.stubbed_account import StubbedAccount

COMMANDS = (["check"], ["status"], ["try"], ["logs", JOB])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_without_credentials_one_sentence_says_so(environment: pytest.MonkeyPatch, command: list[str]) -> None:
    environment.setenv("AWS_REGION", "eu-west-1")
    result = run(*command)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert "AWS credentials were not found" in line
    assert "AWS_PROFILE" in line


def test_without_a_region_one_sentence_says_so(environment: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        environment.setenv(name, "testing")
    result = run("status")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "AWS_REGION is not set" in result.stderr


def test_an_unknown_profile_is_one_sentence(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_PROFILE", "nobody")
    result = run("status")
    assert (result.exit_code, "nobody" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("refuse", "code", "words"),
    [
        (lambda account: account.refuse("sts", "get_caller_identity", "ExpiredToken"), 2, "expired"),
        (lambda account: account.refuse("sts", "get_caller_identity", "Throttling", "slow down"), 1, "slow down"),
    ],
)
def test_credentials_that_sts_rejects_are_one_sentence(
    environment: pytest.MonkeyPatch,
    account: StubbedAccount,
    refuse: Callable[[StubbedAccount], None],
    code: int,
    words: str,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        environment.setenv(name, "eu-west-1")
    refuse(account)
    environment.setattr(account_module, "make_client", lambda _session, service: account.client(service))
    result = run("status")
    assert (result.exit_code, words in result.stderr) == (code, True), result.output


def test_aws_that_cannot_be_reached_is_no_fault_of_the_credentials(environment: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        environment.setenv(name, "eu-west-1")

    def unreachable(_session: object, _service: str) -> object:
        raise EndpointConnectionError(endpoint_url="https://sts.eu-west-1.amazonaws.com")

    environment.setattr(account_module, "make_client", unreachable)
    result = run("status")
    assert (result.exit_code, "unreachable" in result.stderr) == (1, True)
