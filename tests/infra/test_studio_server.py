"""Local server of the built studio."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from infra.local.studio.server import application
from infra.local.studio.settings import Settings, StudioConfig, User

EMULATOR = "http://127.0.0.1:4599"
KEY = SecretStr("0123456789abcdef")
SCRIPT = "assets/index-1a2b3c.js"


@pytest.fixture
def page(tmp_path: Path) -> TestClient:
    for name, text in (("index.html", "<!doctype html>"), (SCRIPT, "export {}"), ("styles/boho.webp", "RIFF")):
        (tmp_path / "built" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "built" / name).write_text(text)
    (tmp_path / "secret.txt").write_text("not for anybody")
    config = StudioConfig(
        deployment="local",
        api_url=f"{EMULATOR}/api",
        identity_url=EMULATOR,
        local_user=User(username="local", password="secret"),
    )
    settings = Settings(
        host="127.0.0.1", port=1, folder=tmp_path / "built", emulator_url=EMULATOR, config=config, key=KEY
    )
    return TestClient(application(settings), base_url="http://127.0.0.1:4600")


@pytest.mark.parametrize("path", ["/", "/?key=", "/?key=wrong", "/?key=%C3%BC"])
def test_requests_without_the_key_get_no_password(page: TestClient, path: str) -> None:
    page.get(path)
    assert page.get("/config.json").json()["local_user"] is None


def test_the_key_is_moved_from_the_url_to_a_cookie(page: TestClient) -> None:
    answer = page.get("/jobs?tab=recent&key=0123456789abcdef", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs?tab=recent")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=strict" in answer.headers["set-cookie"]


def test_the_configuration_names_the_deployment(page: TestClient) -> None:
    page.get("/?key=0123456789abcdef")
    answer = page.get("/config.json")
    assert answer.json() == {
        "deployment": "local",
        "api_url": f"{EMULATOR}/api",
        "identity_url": EMULATOR,
        "local_user": {"username": "local", "password": "secret"},
    }
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/jobs", "/jobs/0123456789abcdef", "/index.html"])
def test_every_route_returns_the_page(page: TestClient, path: str) -> None:
    answer = page.get(path)
    assert (answer.status_code, answer.text) == (200, "<!doctype html>")
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/assets/index-000000.js", "/styles/none.webp", "/..%2fsecret.txt"])
def test_a_missing_file_is_not_found(page: TestClient, path: str) -> None:
    answer = page.get(path)
    assert answer.status_code == 404
    assert "cache-control" not in answer.headers


def test_hashed_files_are_immutable_and_others_are_revalidated(page: TestClient) -> None:
    answer = page.get(f"/{SCRIPT}")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" not in page.get("/styles/boho.webp").headers["cache-control"]
    again = page.get("/", headers={"If-None-Match": page.get("/").headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/", "/config.json", f"/{SCRIPT}", "/assets/none.js"])
def test_every_response_has_the_security_headers(page: TestClient, path: str) -> None:
    headers = page.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == f"'self' blob: {EMULATOR} ws://127.0.0.1:4599"
    assert policy["img-src"] == f"'self' blob: data: {EMULATOR}"
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["trusted-types"] == "default"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "microphone=()" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers


def test_only_loopback_host_names_are_accepted(page: TestClient) -> None:
    assert page.get("/config.json", headers={"Host": "page.example"}).status_code == 400
    assert page.get("/config.json", headers={"Host": "localhost:4600"}).status_code == 200


def test_post_requests_are_rejected(page: TestClient) -> None:
    assert page.post("/").status_code == 405
