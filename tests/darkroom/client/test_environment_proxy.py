"""Proxies of the environment: which requests use one, and what is said of a variable that cannot be used."""

import os
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from darkroom import Client, EnvironmentVariableError
from darkroom.cli import app
from darkroom.client import environment_proxy as module
from darkroom.client.cognito import CognitoPool
from darkroom.client.environment_proxy import environment_proxy
from darkroom.client.errors import ConnectionLost
from darkroom.client.oidc import OidcIssuer
from darkroom.client.tokens import PasswordToken
from darkroom.client.websocket import open_async_socket, open_blocking_socket
from tests.darkroom.driven_client import MakeClient
from tests.darkroom.fake_service import TOKEN, Service

UNUSABLE = [
    ("ALL_PROXY", "socks://127.0.0.1:1080/", "is none of http://, https://, socks5://, socks5h://"),  # GNOME
    ("all_proxy", "socks4://127.0.0.1:1080", "is none of"),
    ("HTTPS_PROXY", "socks5://ann:hunter2@127.0.0.1:1080", "pip install 'darkroom-sdk[socks]'"),
    ("https_proxy", "http://ann:hunter2:3128", "does not hold the URL of a proxy"),
    ("HTTPS_PROXY", "http://[::1", "does not hold the URL of a proxy"),
    ("HTTPS_PROXY", "http://", "does not hold the URL of a proxy"),
]
# GNOME, OrbStack and people write these.
EXEMPTIONS = ["[::1]", "fd00::/8", "::1/128", "localhost,127.0.0.0/8,::1", "[fd00::]/8", "*.local, ,<local>", "a b/c"]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(module, "find_spec", lambda _name: None)  # socksio is not installed


@contextmanager
def recording_proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy that refuses every request, and records its first line."""
    lines: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            lines.append(self.rfile.readline().decode().strip())
            while self.rfile.readline().strip():
                pass
            self.wfile.write(b"HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", lines
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("variable", "value", "_words"), UNUSABLE)
def test_an_unusable_variable_stops_nothing_at_a_loopback_address(
    service: Service, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, _words: str
) -> None:
    for each in (variable, "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(each, value)
    with make_client(service.url, TOKEN) as client:
        assert client.get("a" * 32).job_id == "a" * 32


@pytest.mark.parametrize("entries", EXEMPTIONS)
def test_an_unknown_form_of_no_proxy_stops_nothing(
    service: Service, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, entries: str
) -> None:
    monkeypatch.setenv("NO_PROXY", entries)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with make_client(service.url, TOKEN) as client:
        assert client.get("a" * 32).job_id == "a" * 32
    assert environment_proxy("http://service.example/jobs") == "http://127.0.0.1:9"


@pytest.mark.parametrize(("variable", "value", "words"), UNUSABLE)
def test_an_unusable_variable_is_named_without_its_value(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    with make_client("https://service.example", TOKEN) as client, pytest.raises(EnvironmentVariableError) as raised:
        client.get("a" * 32)
    assert (raised.value.code, raised.value.variable) == ("invalid_environment", variable)
    assert raised.value.message.startswith(f"{variable} ")
    assert words in raised.value.message
    chain = [raised.value, raised.value.__cause__]
    assert not [error for error in chain if "hunter2" in str(error)]


@pytest.mark.parametrize(
    "sign_in",
    [
        lambda: PasswordToken("https://cognito.example", "app", "ann", "secret").token(),
        lambda: CognitoPool("https://cognito.example", "app").sign_in("ann", "secret"),
        lambda: OidcIssuer.discover("https://issuer.example", "app"),
    ],
    ids=["PasswordToken", "CognitoPool", "OidcIssuer"],
)
def test_signing_in_names_an_unusable_variable(sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:1080/")
    with pytest.raises(EnvironmentVariableError, match="ALL_PROXY"):
        sign_in()


@pytest.mark.parametrize("opened", [open_blocking_socket, open_async_socket])
async def test_a_websocket_without_its_proxy_is_a_lost_connection(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Watching then polls, whose request names the variable."""
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:1080/")
    with pytest.raises(ConnectionLost, match="ALL_PROXY"):
        async with opened("wss://service.example/live", None):
            pass
    monkeypatch.setattr(module, "find_spec", lambda _name: True)  # socksio alone: python-socks is missing
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    with pytest.raises(ConnectionLost):
        async with opened("wss://service.example/live", None):
            pass


def test_a_variable_that_no_request_needs_is_not_read(make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """GNOME writes all three when a SOCKS proxy is set beside the others."""
    with recording_proxy() as (url, lines):
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.setenv("https_proxy", url)
        monkeypatch.setenv("all_proxy", "socks://127.0.0.1:1080/")
        with make_client("http://service.example", TOKEN) as client, pytest.raises(Exception, match="Teapot"):
            client.get("a" * 32)
    assert lines == [f"GET http://service.example/jobs/{'a' * 32} HTTP/1.1"]


@pytest.mark.parametrize("opened", [open_blocking_socket, open_async_socket])
async def test_a_websocket_uses_the_proxy_of_http(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with recording_proxy() as (url, lines):
        monkeypatch.setenv("HTTPS_PROXY", url)
        with pytest.raises(ConnectionLost):
            async with opened("wss://service.example/live", "token"):
                pass
    assert lines == ["CONNECT service.example:443 HTTP/1.1"]


@pytest.mark.parametrize(
    ("url", "direct"),
    [
        ("https://api.corp.example/jobs", True),
        ("https://corp.example", True),
        ("https://notcorp.example", False),
        ("https://deep.dotted.example", True),
        ("https://dotted.example", True),
        ("https://a.starred.example", True),
        ("https://10.1.2.3", True),
        ("https://11.1.2.3", False),
        ("wss://[fd12::1]/live", True),
        ("wss://[fe80::1]/live", False),
        ("http://192.168.7.7:8080", True),
        ("https://ported.example:8443", True),
        ("https://ported.example", False),
        ("https://secure.example", True),
        ("http://secure.example", False),
        ("https://Corp.Example./", True),
        ("https://[2001:db8::1]:8443", True),
        ("https://[2001:db8::1]", False),
        ("https://one.spaced.example", True),
        ("https://172.16.3.4", True),
    ],
)
def test_no_proxy_names_hosts_domains_networks_and_ports(
    url: str, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "proxy.example:3128")
    entries = (
        "corp.example,.dotted.example,*.starred.example,10.0.0.0/8,[fd00::]/8,192.168.7.7,"
        "ported.example:8443,secure.example:443,[2001:db8::1]:8443, spaced.example 172.16.0.0/12"
    )
    monkeypatch.setenv("NO_PROXY", entries)
    assert environment_proxy(url) == (None if direct else "http://proxy.example:3128")


def test_a_star_in_no_proxy_exempts_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:1080/")
    monkeypatch.setenv("NO_PROXY", "corp.example, *")
    assert environment_proxy("https://service.example") is None


def test_a_command_names_an_unusable_variable_and_exits_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:1080/")
    result = CliRunner().invoke(app, ["limits", "--endpoint", "https://service.example", "--token", "t"])
    assert result.exit_code == 2
    assert result.stderr == (
        "darkroom: invalid_environment: ALL_PROXY names a proxy that is none of http://, https://, socks5://, socks5h://."
        " Change or unset it.\n"
    )


def test_certificates_that_are_missing_stop_nothing_without_tls(
    service: Service, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    with make_client(service.url, TOKEN) as client:
        assert client.get("a" * 32).job_id == "a" * 32
    with make_client("https://127.0.0.1:9", TOKEN) as client, pytest.raises(EnvironmentVariableError, match="SSL_CERT"):
        client.get("a" * 32)


def test_a_client_connects_again_after_its_environment_is_mended(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:1080/")
    with Client("http://service.example", TOKEN) as client, recording_proxy() as (url, lines):
        with pytest.raises(EnvironmentVariableError):
            client.get("a" * 32)
        monkeypatch.setenv("ALL_PROXY", url)
        with pytest.raises(Exception, match="Teapot"):
            client.get("a" * 32)
    assert len(lines) == 1
