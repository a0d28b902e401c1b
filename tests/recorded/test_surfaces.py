"""Commands, flags, environment variables, context keys and OpenAPI keep everything that 0.1.0 had."""

import re
from typing import Any

import pytest

from tests.recorded import files, surfaces

# Differences that later versions intend. `down` and `status` choose the stack that was started last, and no longer
# assume port 4566. An issuer is text as in its tokens. Results are reused for no longer than they are kept. Price and
# machine image follow from the instance type. A job's row has its WebSocket subscriptions.
INTENDED = re.compile(
    r"commands\.(down|status)\.parameters\.--port\.default: null, recorded was 4566"
    r"|keys\.properties\.(issuer|jwks_url)\.anyOf lacks .*\"format\": \"uri\".*"
    r"|keys\.properties\.(cache_days|inference_ami|instance_usd_per_hour)\.default is gone .*"
    r"|function (push|socket)\.SOCKETS_TABLE is gone .*"
)


@pytest.fixture(scope="module")
def now() -> files.Files:
    """Today's."""
    return surfaces.record()


def unintended(name: str, now: files.Files) -> list[str]:
    """Differences to what was recorded that nobody intends."""
    differences = files.differences(files.read(name), now[name], sets=True)
    return [line for line in differences if not INTENDED.fullmatch(line)]


@pytest.mark.parametrize("name", ["commands/callers", "commands/operators", "settings/environment", "settings/local"])
def test_no_command_flag_or_environment_variable_is_gone(name: str, now: files.Files) -> None:
    assert not unintended(name, now)


def test_no_context_key_is_gone(now: files.Files) -> None:
    name = "settings/context"
    assert not unintended(name, now)


def test_nothing_is_gone_from_the_openapi_document(now: files.Files) -> None:
    recorded: dict[str, Any] = files.read("api/openapi")
    recorded["info"].pop("version")
    found = files.differences(recorded, now["api/openapi"], sets=True)
    assert not found, "\n".join(found)


def test_defaults_of_params_never_change(now: files.Files) -> None:
    """An invocation leaves out params at their defaults: a container of another version fills in its own."""
    recorded, today = (
        document["components"]["schemas"] for document in (files.read("api/openapi"), now["api/openapi"])
    )
    changed = [
        f"{name}.{field}: {today[name]['properties'][field].get('default')}, was {schema['default']}"
        for name, model in recorded.items()
        if name.endswith(("Params", "Scene"))
        for field, schema in model["properties"].items()
        if "default" in schema and today[name]["properties"][field].get("default") != schema["default"]
    ]
    assert not changed, "\n".join(changed)
