"""SDK and command of today with a newer service: unknown values are shown, listings do not break, watching ends."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from darkroom import Client
from darkroom.cli import app
from darkroom.client.errors import ProblemError
from darkroom.contract.version import API_VERSION
from tests.darkroom.jobs import completed, failed, job

NEWER: list[dict[str, Any]] = [
    job(1, "paused").model_dump(mode="json") | {"added_later": {"of": "anything"}},
    failed(2, "too_blurry", "It is blurred.").model_dump(mode="json"),
    completed(3, "https://store/x").model_dump(mode="json") | {"kind": "sketch", "engine": "quantum"},
    job(4, "archived", ended=True).model_dump(mode="json"),
    completed(5, None).model_dump(mode="json") | {"result": {"pictures": [], "engine": "quantum", "songs": [1]}},
]


def service(request: httpx2.Request) -> httpx2.Response:
    if request.url.path == "/jobs":
        return httpx2.Response(200, json={"jobs": NEWER, "cursor": None, "total": 5})
    return httpx2.Response(200, json=NEWER[3])


@pytest.fixture
def client() -> Client:
    return Client("https://api.example.com", "token", transport=httpx2.MockTransport(service))


def test_a_listing_shows_unknown_values_as_text(client: Client) -> None:
    found = list(client.list())
    assert [str(each.state) for each in found] == ["paused", "failed", "completed", "archived", "completed"]
    assert [each.state.known for each in found] == [False, True, True, False, True]
    assert [each.ended for each in found] == [False, True, True, True, True]
    assert found[1].error is not None
    assert (found[1].error.code, found[2].kind, found[2].engine) == ("too_blurry", "sketch", "quantum")


def test_watching_a_job_that_ended_in_an_unknown_state_ends(client: Client) -> None:
    ended = client.get("a" * 32)
    assert ended.ended
    assert list(client.watch(ended)) == []


def test_the_command_lists_jobs_of_a_newer_service(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    monkeypatch.setattr("darkroom.cli.jobs.connect", lambda _endpoint, _token: client)
    shown = CliRunner().invoke(app, ["jobs", "list"])
    assert shown.exit_code == 0, shown.output
    for text in ("paused", "too_blurry", "sketch", "archived", "pip install --upgrade darkroom-sdk"):
        assert text in shown.output


def test_the_client_names_the_version_of_the_api_that_it_was_made_for() -> None:
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["Darkroom-Api-Version"])
        return service(request)

    with Client("https://api.example.com", "token", transport=httpx2.MockTransport(answer)) as client:
        client.get("a" * 32)
    assert seen == [API_VERSION]


def test_a_client_that_is_too_old_learns_how_to_upgrade() -> None:
    problem = {"code": "client_too_old", "title": "The client is too old", "detail": "Upgrade the client: pip install"}
    answer: Callable[[httpx2.Request], httpx2.Response] = lambda _request: httpx2.Response(400, json=problem)  # noqa: E731
    with (
        Client("https://api.example.com", "token", transport=httpx2.MockTransport(answer)) as client,
        pytest.raises(ProblemError, match="client_too_old: Upgrade the client: pip install"),
    ):
        client.get("a" * 32)
