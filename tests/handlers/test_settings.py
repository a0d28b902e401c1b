"""Settings: each function reads exactly the environment variables that infra writes."""

from typing import Any

import pytest
from pydantic import ValidationError

from cloud.settings import EnvironmentSettings
from handlers.settings.authorize import AuthorizeSettings
from handlers.settings.dispatch import DispatchSettings
from tests.handlers.settings_classes import SETTINGS


@pytest.mark.parametrize("function", SETTINGS.values(), ids=SETTINGS)
def test_written_settings_are_read_back(function: type[EnvironmentSettings], monkeypatch: pytest.MonkeyPatch) -> None:
    fields: dict[str, Any] = {
        name: f"{name}-value" for name, field in function.model_fields.items() if field.is_required()
    }
    for name, value in function.environment(**fields).items():
        monkeypatch.setenv(name, value)
    read = function.read()
    assert {name: getattr(read, name) for name in fields} == fields


def test_unknown_and_missing_names_are_rejected() -> None:
    with pytest.raises(TypeError, match="jwks"):
        AuthorizeSettings.environment(issuer="i", client_id="c", jwks="typo")
    with pytest.raises(TypeError, match="jwks_url"):
        AuthorizeSettings.environment(issuer="i", client_id="c")


def test_numbers_survive_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    written = DispatchSettings.environment(
        jobs_table="j",
        sockets_table="s",
        queue_url="q",
        dead_letter_queue_url="d",
        bucket="b",
        deployment="e",
        endpoint_name="e",
        invocation_seconds=60,
    )
    assert written["INVOCATION_SECONDS"] == "60"
    for name, value in written.items():
        monkeypatch.setenv(name, value)
    assert DispatchSettings.read().invocation_seconds == 60


def test_a_missing_variable_is_named_and_no_other_one_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an error says is in the log. The environment has a function's credentials."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    monkeypatch.setenv("ISSUER", "a value")
    monkeypatch.delenv("JWKS_URL", raising=False)
    with pytest.raises(ValidationError) as error:
        AuthorizeSettings.read()
    assert "jwks_url" in str(error.value)
    assert "a secret" not in str(error.value)
    assert "a value" not in str(error.value)
