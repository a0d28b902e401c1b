"""Request guard: hosts, origins, and the routes that need no signature."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from starlette.websockets import WebSocketDisconnect

from infra.local.access.origins import AllowedOrigins
from infra.local.process import Process
from infra.local.state import RunningProcesses
from tests.infra.access.conftest import PORT, STUDIO, Guarded

API = "/_aws/execute-api/1a2b/$default"
COGNITO = "AWSCognitoIdentityProviderService"
SIGN_IN = {"X-Amz-Target": f"{COGNITO}.InitiateAuth"}
PASSWORD = {
    "AuthFlow": "USER_PASSWORD_AUTH",
    "ClientId": "app",
    "AuthParameters": {"USERNAME": "ann", "PASSWORD": "secret"},
}
DYNAMODB = "DynamoDB_20120810.ListTables"
FORGED_SCOPE = "x Credential=a/b/us-east-1/iam/aws4_request"


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("GET", f"{API}/config", {}, b""),
        ("POST", f"{API}/jobs", {"Authorization": "Bearer token"}, b"{}"),
        ("DELETE", f"{API}/jobs/1?X-Amz=a", {}, b""),
        ("GET", "/_ministack/health", {}, b""),
        ("GET", "/us-east-1_pool/.well-known/jwks.json", {}, b""),
        ("POST", "/", SIGN_IN, json.dumps(PASSWORD).encode()),
        ("POST", "/", {"X-Amz-Target": f"{COGNITO}.RevokeToken"}, b'{"Token": "t", "ClientId": "app"}'),
    ],
)
def test_open_routes_need_no_signature(
    guarded: Guarded, method: str, path: str, headers: dict[str, str], body: bytes
) -> None:
    answer = guarded.client.request(method, path, headers=headers, content=body)
    assert answer.status_code == httpx2.codes.OK, answer.text
    assert guarded.bodies == [body]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": FORGED_SCOPE}])
@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("POST", "/_ministack/reset", ""),
        ("POST", "/_ministack/config", ""),
        ("GET", "/_ministack/ready", ""),
        ("POST", "/_ministack/health", ""),
        ("GET", "/_ministack/health?Action=ListUsers", ""),
        ("GET", "/_localstack/health", ""),
        ("GET", "/health", ""),
        ("GET", "/_aws/sqs/messages", ""),
        ("POST", "/_aws/lambda-url/abc/", ""),
        ("GET", "/_aws/execute-api/", ""),
        ("GET", "/_aws/execute-api/x", DYNAMODB),
        ("GET", "/_aws/execute-api//1a2b/live/", DYNAMODB),
        ("GET", "/_aws/execute-api/none/live/jobs", ""),
        ("GET", "/_aws/execute-api/x?Action=Unsubscribe&SubscriptionArn=arn", ""),
        ("GET", "/_aws/execute-api/3c4d/live", ""),
        ("POST", "/_aws/execute-api/3c4d/live/@connections/abc", ""),
        ("POST", "/_aws/execute-api/1a2b/live/@connections/abc", ""),
        ("POST", "/_aws/execute-api/1a2b/live/%40connections/abc", ""),
        ("GET", "/x/.well-known/jwks.json", DYNAMODB),
        ("GET", "/us-east-1_pool/.well-known/jwks.json?Action=ListUsers", ""),
        ("POST", "/us-east-1_pool/.well-known/jwks.json", DYNAMODB),
        ("GET", "/bucket/a/.well-known/jwks.json", ""),
        ("POST", "/", f"{COGNITO}.AdminCreateUser"),
        ("POST", "/", f"{COGNITO}.SignUp"),
        ("POST", "/", f"{COGNITO}.RespondToAuthChallenge"),
        ("POST", "/", f" {COGNITO}.SignUp"),
        ("POST", "/?Action=CreateUser", f"{COGNITO}.InitiateAuth"),
        ("POST", "/2015-03-31/functions", f"{COGNITO}.InitiateAuth"),
        ("POST", "/", DYNAMODB),
        ("OPTIONS", "/", ""),
        ("OPTIONS", "/_alb/x", DYNAMODB),
    ],
)
def test_all_other_routes_need_a_signature(
    guarded: Guarded, method: str, path: str, target: str, headers: dict[str, str]
) -> None:
    given = headers | ({"X-Amz-Target": target} if target else {})
    answer = guarded.client.request(method, path, headers=given)
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (403, "MissingAuthenticationToken")
    assert guarded.bodies == []


@pytest.mark.parametrize(
    ("method", "path", "kept"),
    [
        ("POST", f"{API}/jobs", {"authorization"}),
        ("GET", "/us-east-1_pool/.well-known/jwks.json", set()),
        ("OPTIONS", "/bucket", set()),
    ],
)
def test_aws_headers_are_removed_from_unsigned_requests(
    guarded: Guarded, method: str, path: str, kept: set[str]
) -> None:
    ambiguous = {"Authorization": "Bearer x", "X-Amz-Target": DYNAMODB, "x-amz-copy-source": "/bucket/secret"}
    asked = {"Origin": STUDIO, "Access-Control-Request-Method": "PUT"}
    assert guarded.client.request(method, path, headers=ambiguous | asked).status_code == httpx2.codes.OK
    (headers,) = guarded.headers
    assert {name for name in headers if name == "authorization" or name.startswith("x-amz-")} == kept


def test_preflights_do_not_open_the_emulators_own_routes(guarded: Guarded) -> None:
    asked = {"Origin": STUDIO, "Access-Control-Request-Method": "PUT"}
    assert guarded.client.options("/_alb/x", headers=asked).status_code == httpx2.codes.FORBIDDEN
    assert guarded.client.options("/bucket", headers={"Origin": STUDIO}).status_code == httpx2.codes.FORBIDDEN


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        json.dumps(PASSWORD | {"ClientId": {}}).encode(),
        json.dumps(PASSWORD | {"AuthParameters": []}).encode(),
        json.dumps(PASSWORD | {"AuthFlow": "CUSTOM_AUTH"}).encode(),
        json.dumps(PASSWORD | {"Session": "x"}).encode(),
    ],
)
def test_an_invalid_sign_in_is_rejected(guarded: Guarded, body: bytes) -> None:
    answer = guarded.client.post("/", headers=SIGN_IN, content=body)
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (400, "InvalidParameterException")
    assert guarded.bodies == []


def test_bodies_over_the_limit_are_rejected(guarded: Guarded) -> None:
    sent: list[int] = []

    def endless() -> Iterator[bytes]:
        for _ in range(64):
            sent.append(1)
            yield bytes(2**20)

    for path, status in ((f"{API}/jobs", 413), ("/bucket/key", 403)):
        assert guarded.client.post(path, content=endless()).status_code == status
    assert guarded.bodies == []


def test_a_request_that_names_a_key_needs_a_valid_signature_on_open_routes(guarded: Guarded) -> None:
    forged = (
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=0"
    )
    assert guarded.client.get(f"{API}/config", headers={"Authorization": forged}).status_code == 400
    credential = "test%2F20260101%2Fus-east-1%2Fexecute-api%2Faws4_request"
    link = f"{API}/config?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}"
    assert guarded.client.get(link).status_code == 400


@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}"])
def test_loopback_host_names_are_accepted(guarded: Guarded, host: str) -> None:
    assert guarded.client.get(f"{API}/config", headers={"Host": host}).status_code == httpx2.codes.OK


@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:80", f"bucket.localhost:{PORT}", ""]
)
def test_other_host_names_are_rejected_with_the_accepted_ones(guarded: Guarded, host: str) -> None:
    answer = guarded.client.get(f"{API}/config", headers={"Host": host})
    assert answer.status_code == httpx2.codes.FORBIDDEN
    assert f"127.0.0.1:{PORT} and localhost:{PORT} alone" in answer.json()["message"]
    assert guarded.bodies == []


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:4601", "https://127.0.0.1:4600"])
def test_pages_of_other_origins_are_rejected_and_can_read_nothing(guarded: Guarded, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-amz-date"}
    for answer in (
        guarded.client.options(f"{API}/jobs", headers=asked),
        guarded.client.get(f"{API}/config", headers={"Origin": origin}),
        guarded.client.post("/_ministack/reset", headers={"Origin": origin}),
        guarded.send("GET", "/2015-03-31/functions/", Origin=origin),  # whatever it knows
    ):
        assert answer.status_code == httpx2.codes.FORBIDDEN
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert guarded.bodies == []


def test_a_rejected_origin_gets_the_option_that_allows_it(guarded: Guarded) -> None:
    answer = guarded.client.get(f"{API}/config", headers={"Origin": "http://localhost:5173"})
    assert "`darkroom up -c origins=http://localhost:5173` allows it" in answer.json()["message"]


def test_the_studios_origin_may_call_and_read(guarded: Guarded) -> None:
    asked = {"Origin": STUDIO, "Access-Control-Request-Method": "POST"}
    for answer in (
        guarded.client.options(f"{API}/jobs", headers=asked),
        guarded.client.get(f"{API}/config", headers={"Origin": STUDIO}),
    ):
        assert answer.status_code == httpx2.codes.OK
        assert answer.headers["access-control-allow-origin"] == STUDIO
        assert answer.headers["vary"] == "Origin"


def test_requests_without_an_origin_get_no_cors_headers(guarded: Guarded) -> None:
    assert "access-control-allow-origin" not in guarded.client.get(f"{API}/config").headers


def test_the_studio_can_read_a_rejection(guarded: Guarded) -> None:
    answer = guarded.client.get("/bucket/key", headers={"Origin": STUDIO})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (403, STUDIO)


def test_duplicate_security_headers_are_rejected(guarded: Guarded) -> None:
    headers = [*SIGN_IN.items(), ("X-Amz-Target", "DynamoDB_20120810.ListTables")]
    assert guarded.client.post("/", headers=headers).status_code == httpx2.codes.BAD_REQUEST  # type: ignore[arg-type]
    assert guarded.bodies == []


@pytest.mark.parametrize("headers", [{}, {"Origin": STUDIO}])
def test_websockets_of_the_api_are_accepted(guarded: Guarded, headers: dict[str, str]) -> None:
    with guarded.client.websocket_connect(
        f"ws://127.0.0.1:{PORT}/_aws/execute-api/3c4d/live?token=t", headers=headers
    ) as socket:
        assert socket.receive_text() == "through"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/_aws/execute-api/3c4d/live", {"Origin": "http://evil.example"}),
        ("/_aws/execute-api/3c4d/live", {"Host": f"evil.example:{PORT}"}),
        ("/_aws/execute-api/3c4d/live?X-Amz-Credential=test%2Fa", {}),
        ("/_aws/execute-api/3c4d/live", {"Authorization": "Bearer x"}),
        ("/_aws/execute-api/1a2b/live", {}),
        ("/mqtt", {}),
    ],
)
def test_other_websockets_are_rejected(guarded: Guarded, path: str, headers: dict[str, str]) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        guarded.client.websocket_connect(f"ws://127.0.0.1:{PORT}{path}", headers=headers),
    ):
        pass


def test_the_studios_origin_follows_its_current_port(tmp_path: Path) -> None:
    origins = AllowedOrigins(tmp_path, ["https://app.example/"])
    assert origins() == {"https://app.example"}
    running = RunningProcesses(port=PORT, endpoint_port=1, studio_port=4600)
    running.write(tmp_path)
    assert origins() == {"https://app.example"}
    served = running.model_copy(update={"studio": Process(pid=1, created=0)})
    served.write(tmp_path)
    assert origins() == {"https://app.example", "http://127.0.0.1:4600", "http://localhost:4600"}
    served.model_copy(update={"studio_port": 4601}).write(tmp_path)
    assert "http://127.0.0.1:4601" in origins()
    running.write(tmp_path)
    assert origins() == {"https://app.example"}
