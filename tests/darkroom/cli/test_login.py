"""``darkroom login`` and ``logout`` against a fake issuer: both flows, the stored tokens, and their renewal."""

import json
import os
import re
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner, Result

from darkroom.cli import app
from darkroom.cli.loopback_redirect import redirect_server
from darkroom.cli.token_sources import login_store
from darkroom.client import oidc
from darkroom.client.claims import Claims
from darkroom.client.cognito import CognitoPool
from darkroom.client.errors import ProblemError, UnreachableError
from darkroom.client.login_store import LoginToken
from darkroom.client.oidc import AuthorizationRequest, OidcIssuer
from tests.darkroom.fake_issuer import CLIENT_ID, FakeIssuer

ROOT = Path(__file__).parents[3]


@pytest.fixture
def cognito(issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch) -> FakeIssuer:
    """The issuer as a user pool, reached as that of a local stack."""
    issuer.config["issuer"] = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool"
    monkeypatch.setattr("darkroom.cli.login._local_cognito_url", lambda _endpoint: issuer.url)
    return issuer


def darkroom(*words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=given)


def grant_of(token: str | None) -> object:
    """The number of the grant that a token is from."""
    return Claims.of(token or "").payload.get("grant")


def store_of(issuer: FakeIssuer) -> LoginToken:
    login = login_store().get(issuer.url)
    assert login is not None
    return LoginToken(login_store(), login)


def test_login_signs_in_by_the_code_flow_with_pkce(issuer: FakeIssuer, opened: list[str]) -> None:
    result = darkroom("login", "--scope", "darkroom/admin")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"Signed in at {issuer.url} as ann.\n"
    assert opened[0] in result.stderr
    request = issuer.authorization
    assert (request["response_type"], request["code_challenge_method"], request["tenant"]) == ("code", "S256", "one")
    assert request["scope"] == "openid profile offline_access darkroom/admin"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/callback", request["redirect_uri"])
    assert issuer.token_requests[0]["redirect_uri"] == request["redirect_uri"]
    assert "client_secret" not in issuer.token_requests[0]


def test_tokens_are_stored_in_a_file_for_the_user_alone(
    issuer: FakeIssuer, opened: list[str], config_folder: Path
) -> None:
    assert darkroom("login").exit_code == 0
    path = config_folder / "logins.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(config_folder.stat().st_mode) == 0o700
    stored = json.loads(path.read_text())[issuer.url]
    assert (stored["refresh"], stored["username"], stored["cognito_url"]) == ("refresh-1", "ann", None)


def test_commands_use_the_stored_login_of_their_endpoint(issuer: FakeIssuer, opened: list[str]) -> None:
    assert darkroom("limits").exit_code == 1
    darkroom("login")
    assert darkroom("limits").exit_code == 0
    assert darkroom("limits", "--token", "given").exit_code == 0
    assert [issuer.bearers[0], grant_of(issuer.bearers[1]), issuer.bearers[2]] == [None, 1, "given"]
    assert darkroom("limits", "--endpoint", "http://127.0.0.1:9").exit_code == 1


def test_no_browser_prints_the_link_only(issuer: FakeIssuer, tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "darkroom.cli", "login", "--no-browser"]
    with subprocess.Popen(command, env=environment, stdout=-1, stderr=-1, text=True) as process:
        assert process.stderr is not None
        link = next(line.strip() for line in process.stderr if line.startswith("http"))
        page = httpx2.get(link, follow_redirects=True)
        output, _ = process.communicate(timeout=30)
    assert (page.status_code, process.returncode) == (200, 0)
    assert "Signed in" in page.text
    assert output == f"Signed in at {issuer.url} as ann.\n"


def test_an_access_token_for_somebody_else_is_refused_though_the_id_token_is_for_this_client(
    issuer: FakeIssuer, opened: list[str]
) -> None:
    issuer.access_claims = {"aud": "https://another.example"}
    result = darkroom("login")
    assert result.exit_code == 1
    assert f"access token is not for {CLIENT_ID}" in " ".join(result.stderr.split())
    assert login_store().all() == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"redirect": {"iss": "https://evil.example"}}, "another issuer"),
        ({"id_claims": {"nonce": "another"}}, "another sign-in"),
        ({"id_claims": {"aud": "another"}}, "another sign-in"),
        ({"id_claims": {"iss": "https://evil.example"}}, "another issuer"),
        ({"id_claims": {"exp": 1}}, "has expired"),
        ({"redirect": {"code": "code-2"}}, "The code is wrong"),
    ],
)
def test_a_response_that_does_not_belong_to_the_sign_in_is_refused(
    issuer: FakeIssuer, opened: list[str], changes: dict[str, Any], words: str
) -> None:
    for name, value in changes.items():
        setattr(issuer, name, value)
    result = darkroom("login")
    assert result.exit_code == 1
    assert words in result.stderr
    assert login_store().all() == {}


def test_an_issuer_of_another_name_or_without_https_is_refused(issuer: FakeIssuer) -> None:
    issuer.metadata["issuer"] = "https://another.example"
    assert "describes another issuer" in darkroom("login").stderr
    issuer.config["issuer"] = "http://issuer.example"
    assert "is not HTTPS" in darkroom("login").stderr


def test_a_service_without_an_issuer_is_refused(issuer: FakeIssuer) -> None:
    issuer.config = {}
    assert "names no issuer" in darkroom("login").stderr


def test_a_response_of_another_state_is_refused(issuer: FakeIssuer) -> None:
    client = OidcIssuer.discover(issuer.url, CLIENT_ID)
    with pytest.raises(ProblemError, match="another sign-in"):
        client.exchange(AuthorizationRequest("http://127.0.0.1/callback"), {"state": "guessed", "code": "c"})


def test_a_sign_in_that_the_user_denies_says_so(issuer: FakeIssuer) -> None:
    client = OidcIssuer.discover(issuer.url, CLIENT_ID)
    request = AuthorizationRequest("http://127.0.0.1/callback")
    with pytest.raises(ProblemError, match="access_denied"):
        client.exchange(request, {"state": request.state, "error": "access_denied"})


def test_the_redirect_ignores_requests_without_the_state() -> None:
    with redirect_server() as server:
        server.state = "right"
        for path in ("/", "/callback", "/callback?code=c", "/callback?code=c&state=wrong", "/other?state=right"):
            assert httpx2.get(server.redirect_uri.removesuffix("/callback") + path).status_code == 404
        with pytest.raises(UnreachableError, match="Nobody signed in"):
            server.wait(0.5)
        assert httpx2.get(f"{server.redirect_uri}?code=c&state=right").headers["referrer-policy"] == "no-referrer"
        assert server.wait(5) == {"code": "c", "state": "right"}


def test_a_taken_port_is_reported(issuer: FakeIssuer) -> None:
    with redirect_server() as server:
        result = darkroom("login", "--port", str(server.server_port))
    assert result.exit_code == 1
    assert "port_taken" in result.stderr


def test_an_expired_token_is_renewed_and_stored(issuer: FakeIssuer, opened: list[str]) -> None:
    issuer.lifetime = 30
    darkroom("login")
    issuer.lifetime = 3600
    assert [grant_of(store_of(issuer).token()), grant_of(store_of(issuer).token())] == [2, 2]
    stored = login_store().get(issuer.url)
    assert stored is not None
    assert stored.refresh == "refresh-2"


def test_a_rejected_token_is_renewed_once(issuer: FakeIssuer, opened: list[str]) -> None:
    darkroom("login")
    issuer.rejects.add(store_of(issuer).token())
    assert darkroom("limits").exit_code == 0
    assert [grant_of(token) for token in issuer.bearers] == [1, 2]


def test_two_sources_use_one_refresh_token_once(issuer: FakeIssuer, opened: list[str]) -> None:
    """The issuer accepts each refresh token once."""
    darkroom("login")
    sources = [store_of(issuer) for _ in range(2)]
    for source in sources:
        source._login = source._login.model_copy(update={"expires_at": time.time()})
    assert [grant_of(source.token()) for source in sources] == [2, 2]
    assert sources[0].forget()
    assert [grant_of(source.token()) for source in sources] == [3, 2]
    assert sources[1].forget()
    assert grant_of(sources[1].token()) == 3


@pytest.mark.parametrize("has_refresh", [True, False])
def test_a_login_that_cannot_be_renewed_asks_for_another(
    issuer: FakeIssuer, opened: list[str], has_refresh: bool
) -> None:
    issuer.lifetime, issuer.with_refresh = 1, has_refresh
    assert ("no refresh token" in darkroom("login").stderr) is not has_refresh
    issuer.refresh_token = "another"
    result = darkroom("limits")
    assert result.exit_code == 1
    assert f"Run `darkroom login --endpoint {issuer.url}`" in result.stderr


def test_an_unreachable_issuer_keeps_the_login(
    issuer: FakeIssuer, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.lifetime = 1
    darkroom("login")

    def fail(*_arguments: object, **_options: object) -> None:
        raise httpx2.ConnectError("refused")

    source = store_of(issuer)
    monkeypatch.setattr(oidc.httpx2.Client, "request", fail)
    with pytest.raises(UnreachableError):
        source.token()
    assert login_store().get(issuer.url) is not None


def test_logout_removes_and_revokes(issuer: FakeIssuer, opened: list[str]) -> None:
    darkroom("login")
    assert darkroom("logout").stdout == f"Signed out at {issuer.url}.\n"
    assert (issuer.revoked, login_store().all()) == (["refresh-1"], {})
    assert "No login is stored" in darkroom("logout").stderr
    darkroom("login")
    assert darkroom("logout", "--all").exit_code == 0
    assert login_store().all() == {}


def test_a_cognito_pool_asks_for_name_and_password(cognito: FakeIssuer) -> None:
    result = darkroom("login", given="ann\nright\n")
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith(f"\nSigned in at {cognito.url} as ann (administrator).\n")
    assert "right" not in result.output
    assert cognito.cognito_calls[0][1]["AuthParameters"] == {"USERNAME": "ann", "PASSWORD": "right"}


def test_challenges_of_a_cognito_pool_are_answered(cognito: FakeIssuer) -> None:
    cognito.challenges = ["NEW_PASSWORD_REQUIRED", "SOFTWARE_TOKEN_MFA"]
    result = darkroom("login", "--username", "ann@example.com", given="right\nnewer\nnewer\n123456\n")
    assert result.exit_code == 0, result.output
    responses = [body["ChallengeResponses"] for name, body in cognito.cognito_calls[1:]]
    assert responses == [
        {"USERNAME": "pool-ann", "NEW_PASSWORD": "newer"},
        {"USERNAME": "pool-ann", "SOFTWARE_TOKEN_MFA_CODE": "123456"},
    ]


def test_refusals_of_a_cognito_pool_are_reported(cognito: FakeIssuer) -> None:
    assert "Incorrect username or password." in darkroom("login", given="ann\nwrong\n").stderr
    cognito.challenges = ["DEVICE_SRP_AUTH"]
    assert "asks for DEVICE_SRP_AUTH" in darkroom("login", given="ann\nright\n").stderr


def test_a_login_at_a_cognito_pool_is_renewed_and_revoked(cognito: FakeIssuer) -> None:
    cognito.lifetime = 1
    darkroom("login", given="ann\nright\n")
    cognito.lifetime = 3600
    assert grant_of(store_of(cognito).token()) == 2
    stored = login_store().get(cognito.url)
    assert stored is not None
    assert stored.connect() == CognitoPool(cognito.url, CLIENT_ID)
    assert stored.refresh == "refresh-1"
    darkroom("logout")
    assert cognito.revoked == ["refresh-1"]
