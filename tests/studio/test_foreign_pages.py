"""Web pages of other origins, opened on the machine of the stack, read nothing and change nothing."""

import json
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from playwright.sync_api import Browser, Page

from infra.local.emulator import REGION, address
from infra.local.stack import LocalStack
from infra.local.state import RootKey

# Tries one request, and says what the page could see of the answer.
FETCH = """async ({url, ...options}) => {
  try { const answer = await fetch(url, options); return `${answer.type} ${answer.status} ${await answer.text()}` }
  catch (error) { return String(error) }
}"""
CONNECT = """url => new Promise(settle => {
  const socket = new WebSocket(url)
  socket.onopen = () => settle("open")
  socket.onerror = () => settle("refused")
})"""
REFUSED = "TypeError: Failed to fetch"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site of somebody else's, by another name and port of this machine."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text("<!doctype html><title>cats</title>")

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, directory=str(folder), **named)

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture
def watch() -> None:
    """Nothing of the studio is watched here: refusals are what is looked for."""


@pytest.fixture
def foreign(browser: Browser, elsewhere: str) -> Iterator[Page]:
    page = browser.new_page()
    page.goto(elsewhere)
    yield page
    page.close()


def signed(stack: LocalStack, key: Credentials, method: str, path: str, service: str, body: str = "") -> dict[str, Any]:
    """A request to the emulator for ``fetch``, signed as the SDKs do."""
    request = AWSRequest(method=method, url=f"{address(stack.state.port)}{path}", data=body.encode())
    SigV4Auth(key, service, REGION).add_auth(request)
    return {"url": request.url, "method": method, "headers": dict(request.headers.items()), "body": body or None}


@pytest.mark.parametrize("whose", ["test", "root"])
def test_a_foreign_page_makes_and_runs_no_function(foreign: Page, stack: LocalStack, whose: str) -> None:
    root = RootKey.of(stack.folder)
    key = Credentials("test", "test") if whose == "test" else Credentials(root.access_key_id, root.secret_access_key)
    before = stack.client("lambda").list_functions()["Functions"]
    code = json.dumps({"FunctionName": "cats", "Role": before[0]["Role"], "Code": {"ZipFile": ""}})
    for method, path, service, body in (
        ("GET", "/2015-03-31/functions/", "lambda", ""),
        ("POST", "/2015-03-31/functions", "lambda", code),
        ("POST", f"/2015-03-31/functions/{before[0]['FunctionName']}/invocations", "lambda", "{}"),
        ("GET", "/", "s3", ""),
    ):
        assert foreign.evaluate(FETCH, signed(stack, key, method, path, service, body)) == REFUSED
    after = stack.client("lambda").list_functions()["Functions"]
    assert [one["FunctionName"] for one in after] == [one["FunctionName"] for one in before]


def test_a_foreign_page_empties_and_switches_nothing(foreign: Page, stack: LocalStack) -> None:
    """Requests that a browser sends without asking before: the page cannot see the answers, but they would work."""
    emulator, stand_in = address(stack.state.port), stack.state.endpoint_control
    for url, body in (
        (f"{emulator}/_ministack/reset", ""),
        (f"{emulator}/_ministack/config", '{"lambda_svc.LAMBDA_EXECUTOR": "docker"}'),
        (f"{stand_in}/_faults", '{"unreachable": true}'),
        (f"{stand_in}/endpoints/{stack.state.endpoint_name}/async-invocations", "{}"),
    ):
        request = {"url": url, "method": "POST", "mode": "no-cors", "body": body}
        assert foreign.evaluate(FETCH, request) == "opaque 0 "
    assert stack.client("lambda").list_functions()["Functions"]
    answer = httpx2.get(f"{stack.endpoint}/health", headers={"Authorization": f"Bearer {stack.token_for('local')}"})
    assert {part["status"] for part in answer.json()["parts"].values()} == {"ok"}


def test_a_foreign_page_reads_neither_the_api_nor_a_socket_nor_the_password(foreign: Page, stack: LocalStack) -> None:
    assert foreign.evaluate(FETCH, {"url": f"{stack.endpoint}/config"}) == REFUSED
    assert foreign.evaluate(FETCH, {"url": f"{stack.studio_url}/config.json"}) == REFUSED
    token = stack.token_for("local")
    headers = {"Authorization": f"Bearer {token}"}
    assert foreign.evaluate(FETCH, {"url": f"{stack.endpoint}/jobs", "headers": headers}) == REFUSED
    assert foreign.evaluate(CONNECT, f"{stack.socket}?token={token}") == "refused"


def test_a_name_that_is_pointed_at_this_machine_leads_nowhere(
    browser: Browser, chromium: str, stack: LocalStack
) -> None:
    """DNS rebinding: the emulator would be the page's own origin, by a name of the page's owner."""
    rebinding = browser.browser_type.launch(
        executable_path=chromium, args=["--no-sandbox", "--host-resolver-rules=MAP cats.example 127.0.0.1"]
    )
    page = rebinding.new_page()
    for url in (stack.endpoint, stack.studio_url, stack.state.endpoint_control):
        there = urlsplit(url)._replace(netloc=f"cats.example:{urlsplit(url).port}", path="/config")
        answer = page.goto(there.geturl())
        assert answer is not None
        assert answer.status in (400, 403)
    rebinding.close()
