"""Fake service with an identity provider, on a real socket: OpenID Connect, Cognito, ``/config`` and ``/limits``."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

CLIENT_ID = "app"
LIMITS = {"rates": {}, "budget": {"daily_usd": None, "spent_usd": 0.0, "ends_at": "2030-01-01T00:00:00Z"}}


def make_token(**claims: Any) -> str:
    """A JSON Web Token without a signature, valid for an hour."""
    payload = {"sub": "subject-1", "exp": int(time.time()) + 3600, **claims}
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, payload))
    return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), "signature"])


class FakeIssuer:
    """State of the issuer. A test changes it before or while it runs."""

    def __init__(self) -> None:
        self.url = ""
        self.config: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.id_claims: dict[str, Any] = {}  # in place of the correct claims of the ID token
        self.access_claims: dict[str, Any] = {"aud": CLIENT_ID}
        self.redirect: dict[str, str] = {}  # in place of the correct parameters of the redirect
        self.with_refresh = True
        self.lifetime = 3600
        self.granted = 0  # number of grants so far
        self.refresh_token: str | None = None  # the one that is valid
        self.authorization: dict[str, str] = {}  # the last authorization request
        self.token_requests: list[dict[str, str]] = []
        self.revoked: list[str] = []
        self.challenges: list[str] = []  # of Cognito, one after the other
        self.cognito_calls: list[tuple[str, dict[str, Any]]] = []
        self.bearers: list[str | None] = []  # of the calls of the API
        self.rejects: set[str] = set()  # tokens that the API refuses

    def authorize(self, query: dict[str, str]) -> str:
        """The redirect of a user who signs in."""
        self.authorization = query
        parameters = {"code": "code-1", "state": query["state"], "iss": self.url} | self.redirect
        return f"{query['redirect_uri']}?{urlencode(parameters)}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.token_requests.append(form)
        if form["client_id"] != CLIENT_ID:
            return 400, {"error": "invalid_client"}
        if form["grant_type"] == "refresh_token" and form["refresh_token"] != self.refresh_token:
            return 400, {"error": "invalid_grant", "error_description": "The refresh token was used before."}
        if form["grant_type"] == "authorization_code":
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if (challenge, form["code"]) != (self.authorization["code_challenge"], "code-1"):
                return 400, {"error": "invalid_grant", "error_description": "The code is wrong."}
        return 200, self._grant(self.authorization.get("nonce"))

    def _grant(self, nonce: str | None) -> dict[str, Any]:
        self.granted += 1
        expiry = int(time.time()) + self.lifetime
        self.refresh_token = f"refresh-{self.granted}" if self.with_refresh else None
        identity = {"iss": self.url, "aud": CLIENT_ID, "nonce": nonce, "preferred_username": "ann"} | self.id_claims
        access = {"iss": self.url, "exp": expiry, "grant": self.granted} | self.access_claims
        return {
            "access_token": make_token(**access),
            "id_token": make_token(**identity),
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            **({"refresh_token": self.refresh_token} if self.refresh_token else {}),
        }

    def cognito(self, operation: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.cognito_calls.append((operation, body))
        if operation == "RevokeToken":
            self.revoked.append(body["Token"])
            return 200, {}
        given = body.get("AuthParameters", {})
        if given.get("PASSWORD", "right") != "right":
            return 400, {"__type": "NotAuthorizedException", "message": "Incorrect username or password."}
        if body.get("AuthFlow") == "REFRESH_TOKEN_AUTH" and given["REFRESH_TOKEN"] != "refresh-1":
            return 400, {"__type": "NotAuthorizedException", "message": "Refresh Token has been revoked."}
        if self.challenges:
            parameters = {"USER_ID_FOR_SRP": "pool-ann"}
            return 200, {"ChallengeName": self.challenges.pop(0), "Session": "s", "ChallengeParameters": parameters}
        self.granted += 1
        access = make_token(client_id=CLIENT_ID, username="ann", grant=self.granted, **{"cognito:groups": ["admin"]})
        result = {"AccessToken": access, "ExpiresIn": self.lifetime}
        if body.get("AuthFlow") != "REFRESH_TOKEN_AUTH":
            result["RefreshToken"] = "refresh-1"
        return 200, {"AuthenticationResult": result}

    @contextmanager
    def running(self) -> Iterator["FakeIssuer"]:
        issuer = self

        class Handler(_Handler):
            state = issuer

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.config = {"issuer": self.url, "client_id": CLIENT_ID, "socket_url": None}
        self.metadata = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize?tenant=one",
            "token_endpoint": f"{self.url}/token",
            "revocation_endpoint": f"{self.url}/revoke",
            "scopes_supported": ["openid", "profile", "offline_access"],
        }
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: FakeIssuer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        match parts.path:
            case "/config":
                self._send(200, self.state.config)
            case "/.well-known/openid-configuration":
                self._send(200, self.state.metadata)
            case "/authorize":
                self.send_response(302)
                self.send_header("Location", self.state.authorize(dict(parse_qsl(parts.query))))
                self.end_headers()
            case "/limits":
                bearer = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
                self.state.bearers.append(bearer)
                if bearer is None or bearer in self.state.rejects:
                    self._send(401, {"message": "Unauthorized"})
                else:
                    self._send(200, LIMITS)
            case _:
                self._send(404, {})

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/token":
            self._send(*self.state.token(dict(parse_qsl(content))))
        elif self.path == "/revoke":
            self.state.revoked.append(dict(parse_qsl(content))["token"])
            self._send(200, None)
        else:
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            self._send(*self.state.cognito(operation, json.loads(content)))

    def _send(self, status: int, body: Any) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        pass
