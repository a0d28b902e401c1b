"""Settings: each function reads exactly the environment variables that infra writes."""

from typing import Any

import pytest

from cloud.settings import EnvironmentSettings
from handlers import settings
from handlers.settings import AuthorizeSettings, DispatchSettings

FUNCTIONS = [
    value
    for value in vars(settings).values()
    if isinstance(value, type) and issubclass(value, EnvironmentSettings) and value is not EnvironmentSettings
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
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
