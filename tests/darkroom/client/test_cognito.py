"""Cognito user pool client: expiry times, challenges and refusals; and the claims of tokens."""

import base64
import json
from typing import Any

import httpx2
import pytest

from darkroom.client.claims import Claims
from darkroom.client.cognito import Challenge, CognitoPool, is_cognito
from darkroom.client.errors import ProblemError, UnreachableError
from darkroom.client.oidc import TokenSet
from tests.darkroom.fake_issuer import make_token

NOW = 2_000_000_000.0
BEARER = make_token(username="ann-in-the-pool")
GRANT = {"AuthenticationResult": {"AccessToken": BEARER, "ExpiresIn": 900, "RefreshToken": "again"}}


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: NOW)


class Pool:
    """Answers every call with ``body``, and records the calls: operation and body."""

    def __init__(self, body: Any, status: int = 200) -> None:
        self.body, self.status = body, status
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.client = CognitoPool("https://cognito.example", "app", httpx2.MockTransport(self))

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        assert request.headers["Content-Type"] == "application/x-amz-json-1.1"
        self.calls.append((request.headers["X-Amz-Target"].rpartition(".")[2], json.loads(request.content)))
        if isinstance(self.body, Exception):
            raise self.body
        content = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return httpx2.Response(self.status, content=content)


def test_a_sign_in_gives_tokens_with_their_expiry() -> None:
    pool = Pool(GRANT)
    assert pool.client.sign_in("ann", "secret") == TokenSet(BEARER, NOW + 900, "again", "ann-in-the-pool")
    assert pool.calls == [
        (
            "InitiateAuth",
            {
                "AuthFlow": "USER_PASSWORD_AUTH",
                "ClientId": "app",
                "AuthParameters": {"USERNAME": "ann", "PASSWORD": "secret"},
            },
        )
    ]
    opaque = Pool({"AuthenticationResult": {"AccessToken": "opaque"}})
    assert opaque.client.sign_in("ann", "secret") == TokenSet("opaque", NOW + 3600, None, "ann")


def test_a_challenge_is_answered_with_the_pools_own_name() -> None:
    asked = {
        "ChallengeName": "SOFTWARE_TOKEN_MFA",
        "Session": "session-1",
        "ChallengeParameters": {"USER_ID_FOR_SRP": "ann-1"},
    }
    challenge = Pool(asked).client.sign_in("ann@example.com", "secret")
    assert challenge == Challenge("SOFTWARE_TOKEN_MFA", "session-1", "ann-1")
    assert "session-1" not in repr(challenge)
    pool = Pool(GRANT)
    assert isinstance(pool.client.answer(challenge, "123456"), TokenSet)
    assert pool.calls == [
        (
            "RespondToAuthChallenge",
            {
                "ChallengeName": "SOFTWARE_TOKEN_MFA",
                "ClientId": "app",
                "Session": "session-1",
                "ChallengeResponses": {"USERNAME": "ann-1", "SOFTWARE_TOKEN_MFA_CODE": "123456"},
            },
        )
    ]
    unnamed = Pool(asked | {"ChallengeParameters": {}}).client.sign_in("ann@example.com", "secret")
    assert isinstance(unnamed, Challenge)
    assert unnamed.username == "ann@example.com"


@pytest.mark.parametrize(
    "body", [{"ChallengeName": "DEVICE_SRP_AUTH", "Session": "s"}, {"ChallengeName": "SMS_MFA"}, {}]
)
def test_another_challenge_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ProblemError, match="cannot answer"):
        Pool(body).client.sign_in("ann", "secret")


def test_a_refresh_keeps_the_refresh_token() -> None:
    pool = Pool({"AuthenticationResult": {"AccessToken": "opaque", "ExpiresIn": 60}})
    assert pool.client.refresh(TokenSet("old", NOW, "again", "ann")) == TokenSet("opaque", NOW + 60, "again", "ann")
    (call,) = pool.calls
    assert call == (
        "InitiateAuth",
        {"AuthFlow": "REFRESH_TOKEN_AUTH", "ClientId": "app", "AuthParameters": {"REFRESH_TOKEN": "again"}},
    )
    with pytest.raises(ProblemError, match="no new token"):
        Pool({}).client.refresh(TokenSet("old", NOW, "again", "ann"))


def test_a_refresh_token_is_revoked() -> None:
    pool = Pool(b"")
    pool.client.revoke("again")
    assert pool.calls == [("RevokeToken", {"ClientId": "app", "Token": "again"})]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"message": "Wrong password."}, 400, "Wrong password."),
        ({"Message": "Wrong password."}, 400, "Wrong password."),
        ({"__type": "NotAuthorizedException"}, 400, "NotAuthorizedException"),
        (b"<html>", 400, "HTTP 400"),
        (b"<html>", 200, "HTTP 200"),
    ],
)
def test_a_refusal_says_why(body: Any, status: int, words: str) -> None:
    with pytest.raises(ProblemError, match=words):
        Pool(body, status).client.sign_in("ann", "secret")


@pytest.mark.parametrize("pool", [Pool({}, 500), Pool({"message": "busy"}, 503), Pool(httpx2.ConnectError("refused"))])
def test_a_pool_that_is_down_is_no_refusal(pool: Pool) -> None:
    with pytest.raises(UnreachableError, match="Cognito"):
        pool.client.sign_in("ann", "secret")


def test_only_aws_hosts_are_user_pools() -> None:
    assert is_cognito("https://cognito-idp.eu-west-1.amazonaws.com/pool")
    assert is_cognito("https://cognito-idp.us-gov-west-1.amazonaws.com/pool")
    assert is_cognito("https://cognito-idp.cn-north-1.amazonaws.com.cn/pool")
    assert is_cognito("https://cognito-idp.eusc-de-east-1.amazonaws.eu/pool")
    assert not is_cognito("https://cognito-idp.eu-west-1.amazonaws.com.example/pool")
    assert not is_cognito("http://cognito-idp.eu-west-1.amazonaws.com/pool")


@pytest.mark.parametrize(
    ("claims", "admin"),
    [
        ({}, False),
        ({"scope": "openid darkroom/admin"}, True),
        ({"scope": "darkroom/administrator"}, False),
        ({"cognito:groups": ["users", "admin"]}, True),
        ({"cognito:groups": "[users admin]"}, True),
        ({"cognito:groups": "users,admin"}, True),
        ({"cognito:groups": ["administrators"]}, False),
    ],
)
def test_an_administrator_has_the_scope_or_the_group(claims: dict[str, Any], admin: bool) -> None:
    assert Claims.of(make_token(**claims)).admin is admin


def test_a_token_names_its_owner_its_audience_and_its_end() -> None:
    claims = Claims.of(make_token(sub="subject-1", exp=NOW, client_id="app", email="ann@example.com", name="Ann"))
    assert (claims.subject, claims.username, claims.audience) == ("subject-1", "ann@example.com", ("app",))
    assert claims.expires_at is not None
    assert claims.expires_at.timestamp() == NOW
    assert Claims.of(make_token(aud=["a", "b"], client_id="c")).audience == ("a", "b")
    assert Claims.of(make_token(sub="subject-1", email="")).username == "subject-1"
    assert Claims.of(make_token(exp="soon")).expires_at is None
    assert Claims.of(make_token(sub=5)).subject is None


@pytest.mark.parametrize("payload", [b"", b"not JSON", b"[1]", b'{"sub": "four-letters-more"}'])
@pytest.mark.parametrize("parts", [2, 3, 4])
def test_a_token_of_another_format_has_no_claims(payload: bytes, parts: int) -> None:
    encoded = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    token = ".".join(["head", encoded, "signature", "more"][:parts])
    readable = parts == 3 and payload.startswith(b"{")
    assert Claims.of(token).subject == ("four-letters-more" if readable else None)
