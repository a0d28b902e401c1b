"""Deployment of the local stack: its clients call this machine, whatever the caller's AWS configuration says."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from darkroom.client.ports import free_port
from infra.commands.deploy import deployment as deployment_module
from infra.commands.deploy.deployment import local_deployment
from infra.local.state import RootKey, StackState


class StandIn(ThreadingHTTPServer):
    """A stand-in of the endpoint that answers every request with ``status``, and counts them."""

    def __init__(self) -> None:
        self.status = 200
        self.requests = 0
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: StandIn

    def do_POST(self) -> None:
        self.server.requests += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def sagemaker(stand_in: StandIn, state: StackState, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of the local deployment."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")  # nobody listens
    running = state.model_copy(update={"endpoint_control": f"http://127.0.0.1:{stand_in.server_port}"})
    key = RootKey(access_key_id="testing", secret_access_key="testing")
    login = SimpleNamespace(token=lambda: None)
    monkeypatch.setattr(deployment_module.runtime, "find_running", lambda _folder: running)
    monkeypatch.setattr(deployment_module.RootKey, "read", lambda _folder: key)
    monkeypatch.setattr(deployment_module, "read_stack", lambda _folder: login)
    return local_deployment(running.port).client("sagemaker")


def test_the_endpoint_is_called_without_the_proxy(
    stand_in: StandIn, sagemaker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    sagemaker.describe_endpoint(EndpointName="darkroom-local")
    assert stand_in.requests == 1


def test_an_endpoint_that_does_not_answer_is_called_twice(
    stand_in: StandIn, sagemaker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    stand_in.status = 503
    with pytest.raises(ClientError):
        sagemaker.describe_endpoint(EndpointName="darkroom-local")
    assert stand_in.requests == 2
