"""``darkroom token``: which token it prints, and what it says of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from darkroom.cli import app
from darkroom.cli.token_sources import login_store
from darkroom.client.claims import Claims
from handlers.http_api import caller
from tests.darkroom.fake_issuer import FakeIssuer, make_token


def darkroom(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_token_prints_the_token_and_says_who_it_is(issuer: FakeIssuer, opened: list[str]) -> None:
    darkroom("login")
    result = darkroom("token")
    assert result.stdout.strip() == login_store().all()[issuer.url].bearer
    assert "stored login: subject-1, not an administrator, subject subject-1, expires in " in result.stderr
    content = json.loads(darkroom("token", "--json").stdout)
    assert (content["subject"], content["admin"], content["source"]) == ("subject-1", False, "stored login")
    assert (content["access_token"], content["endpoint"]) == (result.stdout.strip(), issuer.url)
    assert content["expires_at"].endswith("+00:00")


def test_token_prefers_the_given_one(issuer: FakeIssuer, opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    darkroom("login")
    monkeypatch.setenv("DARKROOM_TOKEN", make_token(scope="openid darkroom/admin", exp=1))
    result = darkroom("token")
    assert "given token: subject-1, administrator, subject subject-1, expired" in result.stderr
    monkeypatch.setenv("DARKROOM_TOKEN", "opaque")
    assert darkroom("token").stdout == "opaque\n"


def test_token_is_that_of_the_local_stacks_user(runtime: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = folder / ".darkroom" / "4566" / "stack.json"
    state.parent.mkdir(parents=True)
    state.write_text((folder / "template.json").read_text())
    content = json.loads(darkroom("token", "--json").stdout)
    assert (content["access_token"], content["source"]) == ("letmein", "local stack's user")
    assert content["endpoint"] == json.loads(state.read_text())["endpoint"]
    assert darkroom("token", "--endpoint", content["endpoint"]).stdout == "letmein\n"


def test_without_any_token_the_command_says_what_to_do(issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    result = darkroom("token")
    assert result.exit_code == 1
    assert f"Run `darkroom login --endpoint {issuer.url}`" in result.stderr
    monkeypatch.delenv("DARKROOM_ENDPOINT")
    assert "DARKROOM_TOKEN is not set" in darkroom("token").stderr
    assert darkroom("login").exit_code == 2


def test_administrators_are_those_of_the_service() -> None:
    cases: list[tuple[dict[str, Any], bool]] = [
        ({"scope": f"openid {caller.ADMIN_SCOPE}"}, True),
        ({"cognito:groups": [caller.ADMIN_GROUP, "editors"]}, True),
        ({"cognito:groups": "[admin editors]"}, True),
        ({"scope": "openid", "cognito:groups": ["administrators"]}, False),
        ({}, False),
    ]
    for claims, expected in cases:
        assert Claims.of(make_token(**claims)).admin is expected, claims
