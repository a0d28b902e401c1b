"""OpenID Connect client: expiry times to the second, what is asked for, and which answers are refused."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from darkroom.client.errors import ProblemError, UnreachableError
from darkroom.client.oidc import AuthorizationRequest, OidcIssuer, TokenSet
from tests.darkroom.fake_issuer import make_token

NOW = 2_000_000_000.0
ISSUER = "https://issuer.example"
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://login.example/authorize?tenant=a&tenant_policy=b",
    "token_endpoint": "https://login.example/token",
    "revocation_endpoint": "https://login.example/revoke",
}
REQUEST = AuthorizationRequest("http://127.0.0.1:8400/")
BEARER = make_token(aud="app", exp=NOW + 900)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: NOW)


class Answers:
    """Answers every request of the token endpoint with ``body``, and records the requests."""

    def __init__(self, body: Any, status: int = 200) -> None:
        self.body, self.status = body, status
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if isinstance(self.body, Exception):
            raise self.body
        content = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return httpx2.Response(self.status, content=content)

    def issuer(self, **metadata: Any) -> OidcIssuer:
        return OidcIssuer(ISSUER, "app", METADATA | metadata, httpx2.MockTransport(self))


def identity(**claims: Any) -> str:
    usual = {"iss": ISSUER, "aud": "app", "nonce": REQUEST.nonce, "exp": NOW + 60, "preferred_username": "ann"}
    return make_token(**(usual | claims))


def exchanged(**granted: Any) -> TokenSet:
    usual = {"access_token": BEARER, "id_token": identity(), "refresh_token": "again"}
    return Answers(usual | granted).issuer().exchange(REQUEST, {"state": REQUEST.state, "code": "code-1"})


def test_the_sign_in_page_is_asked_for_what_the_issuer_supports() -> None:
    issuer = Answers({}).issuer(scopes_supported=["profile", "offline_access", "phone"])
    url = urlsplit(issuer.authorization_url(REQUEST, ("darkroom/admin", "profile")))
    assert (url.scheme, url.netloc, url.path) == ("https", "login.example", "/authorize")
    assert {name: value for name, (value,) in parse_qs(url.query).items()} == {
        "tenant": "a",
        "tenant_policy": "b",
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": "http://127.0.0.1:8400/",
        "scope": "openid profile offline_access darkroom/admin",
        "code_challenge": REQUEST.challenge,
        "code_challenge_method": "S256",
        "state": REQUEST.state,
        "nonce": REQUEST.nonce,
    }
    silent = urlsplit(Answers({}).issuer().authorization_url(REQUEST))
    assert parse_qs(silent.query)["scope"] == ["openid"]


def test_each_request_has_secrets_of_its_own_that_rfc_7636_allows() -> None:
    other = AuthorizationRequest(REQUEST.redirect_uri)
    assert len({REQUEST.state, REQUEST.nonce, REQUEST.verifier, other.state, other.nonce, other.verifier}) == 6
    assert 43 <= len(REQUEST.verifier) <= 128
    assert REQUEST.verifier not in repr(REQUEST)
    # RFC 7636, appendix B.
    example = AuthorizationRequest("", verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert example.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_token_lives_as_long_as_it_says_itself() -> None:
    assert exchanged(expires_in=5) == TokenSet(BEARER, NOW + 900, "again", "ann")
    timeless = make_token(aud="app", exp=None)
    assert exchanged(access_token=timeless, expires_in=5).expires_at == NOW + 5
    assert exchanged(access_token=timeless).expires_at == NOW + 3600
    assert exchanged(refresh_token=None).refresh is None


@pytest.mark.parametrize(
    ("claims", "accepted"),
    [
        ({"exp": NOW - 60}, True),  # clocks differ
        ({"exp": NOW - 61}, False),
        ({"exp": None}, False),
        ({"nonce": "another"}, False),
        ({"aud": "another"}, False),
        ({"aud": ["another", "app"]}, True),
        ({"iss": f"{ISSUER}/"}, True),
        ({"iss": "https://another.example"}, False),
    ],
)
def test_an_id_token_must_be_of_this_sign_in_and_fresh(claims: dict[str, Any], accepted: bool) -> None:
    if accepted:
        assert exchanged(id_token=identity(**claims)).username == "ann"
    else:
        with pytest.raises(ProblemError, match="ID token"):
            exchanged(id_token=identity(**claims))


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ({"code": "code-1"}, "another sign-in"),
        ({"state": REQUEST.state, "code": "code-1", "iss": "https://another.example"}, "another issuer"),
        ({"state": REQUEST.state}, "sent no code"),
        ({"state": REQUEST.state, "error": "denied"}, "denied"),
        ({"state": REQUEST.state, "error": "denied", "error_description": "You said no."}, "You said no"),
    ],
)
def test_a_redirect_that_does_not_answer_the_request_is_refused_unseen(response: dict[str, str], words: str) -> None:
    answers = Answers({})
    with pytest.raises(ProblemError, match=words) as refused:
        answers.issuer().exchange(REQUEST, response)
    assert (refused.value.status, refused.value.code, answers.requests) == (401, "unauthorized", [])


def test_a_refreshed_token_keeps_what_the_answer_leaves_out() -> None:
    answers = Answers({"access_token": make_token(aud="app", exp=NOW + 900, sub=None)})
    renewed = answers.issuer().refresh(TokenSet("old", NOW, "again", "ann"))
    assert (renewed.refresh, renewed.username, renewed.expires_at) == ("again", "ann", NOW + 900)
    (request,) = answers.requests
    form = parse_qs(request.content.decode())
    assert form == {"grant_type": ["refresh_token"], "refresh_token": ["again"], "client_id": ["app"]}
    rotated = Answers({"access_token": BEARER, "refresh_token": "next"}).issuer().refresh(TokenSet("old", NOW, "again"))
    assert rotated.refresh == "next"
    with pytest.raises(ProblemError, match="no refresh token"):
        answers.issuer().refresh(TokenSet("old", NOW))


def test_a_refresh_token_is_revoked_where_the_issuer_can() -> None:
    answers = Answers(b"")
    answers.issuer().revoke("again")
    (request,) = answers.requests
    assert (request.method, str(request.url)) == ("POST", "https://login.example/revoke")
    assert parse_qs(request.content.decode()) == {
        "token": ["again"],
        "token_type_hint": ["refresh_token"],
        "client_id": ["app"],
    }
    unable = {name: url for name, url in METADATA.items() if name != "revocation_endpoint"}
    OidcIssuer(ISSUER, "app", unable, httpx2.MockTransport(answers)).revoke("again")
    assert len(answers.requests) == 1


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"error": "invalid_grant"}, 400, "invalid_grant"),
        ({"error": "invalid_grant", "error_description": "It was used."}, 400, "It was used."),
        (b"<html>", 400, "HTTP 400"),
        (b"<html>", 200, "HTTP 200"),
        ([], 200, "HTTP 200"),
    ],
)
def test_a_refusal_of_the_issuer_says_why(body: Any, status: int, words: str) -> None:
    with pytest.raises(ProblemError, match=words):
        Answers(body, status).issuer().refresh(TokenSet("old", NOW, "again"))


@pytest.mark.parametrize("answers", [Answers({}, 500), Answers({}, 503), Answers(httpx2.ConnectError("refused"))])
def test_an_issuer_that_is_down_is_no_refusal(answers: Answers) -> None:
    with pytest.raises(UnreachableError, match=r"https://login.example/token"):
        answers.issuer().refresh(TokenSet("old", NOW, "again"))


@pytest.mark.parametrize("url", ["http://login.example/token", "ftp://login.example/token", None])
def test_tokens_are_sent_over_https_alone(url: str | None) -> None:
    answers = Answers({"access_token": BEARER})
    with pytest.raises(ProblemError):
        answers.issuer(token_endpoint=url).refresh(TokenSet("old", NOW, "again"))
    assert answers.requests == []
