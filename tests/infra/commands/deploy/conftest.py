"""Fixtures of the deploy commands' tests: an account whose clients answer as botocore's service models say."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from infra.commands.deploy import check, logs, status, trial
from tests.infra.commands.deploy.stubbed_account import StubbedAccount


@pytest.fixture
def account() -> Iterator[StubbedAccount]:
    with ExitStack() as stack:
        yield StubbedAccount(stack)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> pytest.MonkeyPatch:
    """No AWS configuration at all."""
    nowhere = str(tmp_path_factory.mktemp("aws") / "none")
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", nowhere)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


@pytest.fixture
def operator(account: StubbedAccount, monkeypatch: pytest.MonkeyPatch) -> StubbedAccount:
    """The commands use the stubbed account."""
    for module in (check, logs, status, trial):
        monkeypatch.setattr(module, "open_account", lambda: account)
    return account
