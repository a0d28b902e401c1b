"""WebSocket authorizer: allows only valid tokens of the configured issuer."""

import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from handlers import authorize

pytestmark = pytest.mark.usefixtures("environment")
ARN = "arn:aws:execute-api:us-east-1:123456789012:api/prod/$connect"
ISSUER = "https://issuer.example"


@pytest.fixture(scope="module")
def keys() -> dict[str, RSAPrivateKey]:
    return {name: rsa.generate_private_key(public_exponent=65537, key_size=2048) for name in ("a", "b", "unpublished")}


class Issuer:
    """Server of the issuer's public keys and its discovery document; counts its requests."""

    def __init__(self, keys: dict[str, RSAPrivateKey]) -> None:
        self.requests = 0
        self.discoveries = 0
        self.available = True
        self.published = ["a"]
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.endswith("/openid-configuration"):
                    issuer.discoveries += 1
                    document = {"issuer": issuer.name, "jwks_uri": issuer.url}
                    self._answer(document if issuer.available else None)
                    return
                issuer.requests += 1
                found = [
                    {
                        **json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(keys[name].public_key())),
                        "kid": name,
                        "use": "sig",
                    }
                    for name in issuer.published
                ]
                self._answer({"keys": found})

            def _answer(self, document: object) -> None:
                body = json.dumps(document).encode()
                self.send_response(200 if document else 503)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"
        self.name = f"http://127.0.0.1:{self.server.server_port}/tenant/"


@pytest.fixture
def issuer(keys: dict[str, RSAPrivateKey], environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    issuer = Issuer(keys)
    thread = Thread(target=issuer.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("JWKS_URL", issuer.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield issuer
    issuer.server.shutdown()
    thread.join()
    issuer.server.server_close()


@pytest.fixture
def token(keys: dict[str, RSAPrivateKey]) -> Callable[..., str]:
    """Makes an access token like Cognito's, with other claims (None: left out)."""

    def make(key: str = "a", kid: str | None = None, **claims: Any) -> str:
        now = int(time.time())
        values = {
            "sub": "user-1",
            "iss": ISSUER,
            "client_id": "app",
            "token_use": "access",
            "scope": "openid",
            "iat": now,
            "exp": now + 3600,
            **claims,
        }
        present = {name: value for name, value in values.items() if value is not None}
        return jwt.encode(present, keys[key], algorithm="RS256", headers={"kid": kid or key})

    return make


def connect(token: str | None, context: Any) -> dict[str, Any]:
    query = None if token is None else {"token": token}
    return authorize.handler({"type": "REQUEST", "methodArn": ARN, "queryStringParameters": query}, context)


def effect(answer: dict[str, Any]) -> str:
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Resource"] == ARN
    found: str = statement["Effect"]
    return found


def test_a_valid_token_allows_the_connection_of_its_owner(issuer: Issuer, token: Any, context: Any) -> None:
    answer = connect(token(), context)
    assert effect(answer) == "Allow"
    assert answer["context"]["owner"] == "user-1"
    connect(token(sub="user-2"), context)
    assert issuer.requests == 1


@pytest.fixture
def discovered(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> Issuer:
    """An issuer like Auth0's: its name ends in a slash, and only its discovery document names the keys."""
    monkeypatch.setenv("ISSUER", issuer.name)
    monkeypatch.setenv("JWKS_URL", "")
    return issuer


def test_the_discovery_document_names_the_keys(discovered: Issuer, token: Any, context: Any) -> None:
    assert effect(connect(token(iss=discovered.name), context)) == "Allow"
    assert effect(connect(token(iss=discovered.name), context)) == "Allow"
    assert effect(connect(token(iss=discovered.name.rstrip("/")), context)) == "Deny"
    assert (discovered.discoveries, discovered.requests) == (1, 1)


def test_an_unavailable_discovery_document_is_read_again(discovered: Issuer, token: Any, context: Any) -> None:
    discovered.available = False
    assert effect(connect(token(iss=discovered.name), context)) == "Deny"
    discovered.available = True
    assert effect(connect(token(iss=discovered.name), context)) == "Allow"


def test_the_discovery_document_of_another_issuer_is_not_used(
    discovered: Issuer, token: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = discovered.name.rstrip("/")
    monkeypatch.setenv("ISSUER", name)
    assert effect(connect(token(iss=name), context)) == "Deny"
    assert discovered.requests == 0


@pytest.mark.parametrize("aud", ["app", ["other", "app"]])
def test_the_client_may_be_named_as_the_audience(issuer: Issuer, token: Any, context: Any, aud: Any) -> None:
    assert effect(connect(token(client_id=None, token_use=None, aud=aud), context)) == "Allow"


def test_the_context_has_the_end_of_the_token(issuer: Issuer, token: Any, context: Any) -> None:
    expires_at = int(time.time()) + 77
    assert connect(token(exp=expires_at), context)["context"] == {"owner": "user-1", "expires_at": str(expires_at)}


@pytest.mark.parametrize(
    "claims",
    [
        {"token_use": "id"},
        {"token_use": "id", "client_id": "app"},
        {"token_use": None, "scope": None},
        {"token_use": None, "at_hash": "x"},
        {"token_use": None, "typ": "ID"},
    ],
    ids=["cognito", "cognito-client", "oidc", "oidc-hash", "keycloak"],
)
def test_an_id_token_is_denied(issuer: Issuer, token: Any, context: Any, claims: dict[str, Any]) -> None:
    identity = {"client_id": None, "aud": "app", "nonce": "n", **claims}
    assert effect(connect(token(**identity), context)) == "Deny"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"client_id": "other"},
        {"client_id": None},
        {"aud": "other"},
        {"aud": ["other"]},
        {"exp": int(time.time()) - 10},
        {"exp": None},
        {"nbf": 4_102_444_800},
        {"sub": None},
        {"key": "unpublished", "kid": "a"},
        {"key": "unpublished"},
    ],
)
def test_a_token_with_invalid_claims_is_denied(
    issuer: Issuer, token: Any, context: Any, claims: dict[str, Any]
) -> None:
    answer = connect(token(**claims), context)
    assert effect(answer) == "Deny"
    assert "context" not in answer


def test_a_malformed_or_altered_token_is_denied(issuer: Issuer, token: Any, context: Any) -> None:
    head, body, signature = token().split(".")
    other_body = token(sub="somebody-else").split(".")[1]
    unsigned = jwt.encode({"sub": "user-1", "iss": ISSUER, "exp": time.time() + 60}, "", algorithm="none")
    shared = jwt.encode({"sub": "user-1", "iss": ISSUER}, "s" * 32, algorithm="HS256", headers={"kid": "a"})
    for bad in (None, "", "x", "a.b.c", f"{head}.{other_body}.{signature}", f"{head}.{body}.", unsigned, shared):
        assert effect(connect(bad, context)) == "Deny"


def test_an_unknown_key_id_fetches_the_keys_at_a_limited_rate(
    issuer: Issuer, token: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert effect(connect(token(), context)) == "Allow"
    for _ in range(5):
        assert effect(connect(token(key="b"), context)) == "Deny"
    assert issuer.requests == 1
    issuer.published.append("b")
    later = time.monotonic() + 60
    monkeypatch.setattr("jwt.jwks_client.time.monotonic", lambda: later)
    assert effect(connect(token(key="b"), context)) == "Allow"


def test_an_unreachable_issuer_denies_the_connection(
    issuer: Issuer, token: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWKS_URL", "http://127.0.0.1:9/keys")
    assert effect(connect(token(), context)) == "Deny"
