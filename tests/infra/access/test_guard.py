"""Hosts, origins, and the routes that need no signature."""

from pathlib import Path

import httpx
import pytest
from starlette.websockets import WebSocketDisconnect

from infra.local.access.origins import AllowedOrigins
from infra.local.process import Process
from infra.local.state import Running
from tests.infra.access.conftest import PORT, STUDIO, Guarded

API = "/_aws/execute-api/1a2b/$default"
SIGN_IN = {"X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth"}


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", f"{API}/config", {}),
        ("POST", f"{API}/jobs", {"Authorization": "Bearer token"}),
        ("DELETE", f"{API}/jobs/1", {}),
        ("GET", "/_ministack/health", {}),
        ("GET", "/us-east-1_aaP4Zet2Q/.well-known/jwks.json", {}),
        ("POST", "/", SIGN_IN),
    ],
)
def test_what_checks_its_callers_itself_needs_no_signature(
    guarded: Guarded, method: str, path: str, headers: dict[str, str]
) -> None:
    assert guarded.client.request(method, path, headers=headers).status_code == httpx.codes.OK


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/_ministack/reset", {}),
        ("POST", "/_ministack/config", {}),
        ("GET", "/_ministack/ready", {}),
        ("POST", "/_ministack/health", {}),
        ("GET", "/_localstack/health", {}),
        ("GET", "/health", {}),
        ("GET", "/_aws/sqs/messages", {}),
        ("POST", "/_aws/lambda-url/abc/", {}),
        ("POST", "/_aws/execute-api/1a2b/live/@connections/abc", {}),
        ("POST", "/_aws/execute-api/1a2b/live/%40connections/abc", {}),
        ("POST", "/", {"X-Amz-Target": "AWSCognitoIdentityProviderService.AdminCreateUser"}),
        ("POST", "/?Action=CreateUser", SIGN_IN),
        ("POST", "/2015-03-31/functions", SIGN_IN),
        ("POST", "/", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}),
        ("GET", "/bucket/a/.well-known/jwks.json", {}),
        ("OPTIONS", "/", {}),
    ],
)
def test_everything_else_needs_one(guarded: Guarded, method: str, path: str, headers: dict[str, str]) -> None:
    answer = guarded.client.request(method, path, headers=headers)
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (403, "MissingAuthenticationToken")
    assert guarded.bodies == []


def test_whoever_names_a_key_must_prove_it_on_open_routes_too(guarded: Guarded) -> None:
    forged = (
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=0"
    )
    assert guarded.client.get(f"{API}/config", headers={"Authorization": forged}).status_code == httpx.codes.FORBIDDEN
    credential = "test%2F20260101%2Fus-east-1%2Fexecute-api%2Faws4_request"
    link = f"{API}/config?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}"
    assert guarded.client.get(link).status_code == httpx.codes.FORBIDDEN


@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}"])
def test_this_machines_own_names_are_answered(guarded: Guarded, host: str) -> None:
    assert guarded.client.get(f"{API}/config", headers={"Host": host}).status_code == httpx.codes.OK


@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:80", f"bucket.localhost:{PORT}", ""]
)
def test_other_names_are_refused_with_those_that_are_answered(guarded: Guarded, host: str) -> None:
    answer = guarded.client.get(f"{API}/config", headers={"Host": host})
    assert answer.status_code == httpx.codes.FORBIDDEN
    assert f"127.0.0.1:{PORT} and localhost:{PORT} alone" in answer.json()["message"]
    assert guarded.bodies == []


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:4601", "https://127.0.0.1:4600"])
def test_pages_of_other_origins_are_refused_and_can_read_nothing(guarded: Guarded, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-amz-date"}
    for answer in (
        guarded.client.options(f"{API}/jobs", headers=asked),
        guarded.client.get(f"{API}/config", headers={"Origin": origin}),
        guarded.client.post("/_ministack/reset", headers={"Origin": origin}),
        guarded.send("GET", "/2015-03-31/functions/", Origin=origin),  # whatever it knows
    ):
        assert answer.status_code == httpx.codes.FORBIDDEN
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert guarded.bodies == []


def test_a_refused_page_of_the_operators_own_is_told_what_allows_it(guarded: Guarded) -> None:
    answer = guarded.client.get(f"{API}/config", headers={"Origin": "http://localhost:5173"})
    assert "`darkroom up -c origins=http://localhost:5173` allows it" in answer.json()["message"]


def test_the_studio_may_call_and_read(guarded: Guarded) -> None:
    asked = {"Origin": STUDIO, "Access-Control-Request-Method": "POST"}
    for answer in (
        guarded.client.options(f"{API}/jobs", headers=asked),
        guarded.client.get(f"{API}/config", headers={"Origin": STUDIO}),
    ):
        assert answer.status_code == httpx.codes.OK
        assert answer.headers["access-control-allow-origin"] == STUDIO
        assert answer.headers["vary"] == "Origin"


def test_callers_that_are_no_browser_get_no_cors(guarded: Guarded) -> None:
    assert "access-control-allow-origin" not in guarded.client.get(f"{API}/config").headers


def test_a_header_that_decides_must_come_once(guarded: Guarded) -> None:
    headers = [*SIGN_IN.items(), ("X-Amz-Target", "DynamoDB_20120810.ListTables")]
    assert guarded.client.post("/", headers=headers).status_code == httpx.codes.BAD_REQUEST  # type: ignore[arg-type]
    assert guarded.bodies == []


@pytest.mark.parametrize("headers", [{}, {"Origin": STUDIO}])
def test_sockets_of_the_api_are_let_through(guarded: Guarded, headers: dict[str, str]) -> None:
    with guarded.client.websocket_connect(
        f"ws://127.0.0.1:{PORT}/_aws/execute-api/1a2b/live?token=t", headers=headers
    ) as socket:
        assert socket.receive_text() == "through"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/_aws/execute-api/1a2b/live", {"Origin": "http://evil.example"}),
        ("/_aws/execute-api/1a2b/live", {"Host": f"evil.example:{PORT}"}),
        ("/_aws/execute-api/1a2b/live?X-Amz-Credential=test%2Fa", {}),
        ("/mqtt", {}),
    ],
)
def test_other_sockets_are_refused(guarded: Guarded, path: str, headers: dict[str, str]) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        guarded.client.websocket_connect(f"ws://127.0.0.1:{PORT}{path}", headers=headers),
    ):
        pass


def test_the_studios_origin_is_where_it_is_served_at_the_moment(tmp_path: Path) -> None:
    origins = AllowedOrigins(tmp_path, ["https://app.example/"])
    assert origins() == {"https://app.example"}
    running = Running(port=PORT, endpoint_port=1, studio_port=4600)
    running.write(tmp_path)
    assert origins() == {"https://app.example"}
    served = running.model_copy(update={"studio": Process(pid=1, created=0)})
    served.write(tmp_path)
    assert origins() == {"https://app.example", "http://127.0.0.1:4600", "http://localhost:4600"}
    served.model_copy(update={"studio_port": 4601}).write(tmp_path)
    assert "http://127.0.0.1:4601" in origins()
    running.write(tmp_path)
    assert origins() == {"https://app.example"}
