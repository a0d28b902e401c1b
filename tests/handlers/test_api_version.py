"""API version: named in every answer, and clients that are too old are told to upgrade."""

import pytest

from darkroom.contract.version import API_VERSION, OLDEST_CLIENT
from handlers.http_api import api_version
from tests.handlers.calls import Call

pytestmark = pytest.mark.usefixtures("environment")
HEADER = "darkroom-api-version"


@pytest.mark.parametrize(("method", "path"), [("GET", "/jobs"), ("GET", "/nowhere"), ("POST", "/jobs")])
def test_every_answer_names_the_version_of_the_api(call: Call, method: str, path: str) -> None:
    assert call(method, path).headers[HEADER] == API_VERSION


def test_the_configuration_names_the_supported_versions(call: Call) -> None:
    assert call("GET", "/config").body["api"] == {"version": API_VERSION, "oldest_client": OLDEST_CLIENT}


@pytest.mark.parametrize("version", [None, "1.0", "1.1", "1.10", "2.0", "", "one", "0", "-1.0"])
def test_supported_newer_and_unnamed_clients_are_served(call: Call, version: str | None) -> None:
    headers = {} if version is None else {HEADER: version}
    assert call("GET", "/jobs", headers=headers).status == 200


@pytest.mark.parametrize(("method", "path"), [("GET", "/jobs"), ("POST", "/jobs"), ("DELETE", "/jobs/x")])
def test_a_client_that_is_too_old_is_told_to_upgrade(call: Call, method: str, path: str) -> None:
    found = call(method, path, headers={HEADER: "0.9"}).problem(400, "client_too_old")
    assert "version 0.9" in found["detail"]
    assert f"{OLDEST_CLIENT} to {API_VERSION}" in found["detail"]
    assert "pip install --upgrade darkroom-sdk" in found["detail"]


def test_versions_are_compared_as_numbers(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_version, "OLDEST_CLIENT", "1.9")
    assert call("GET", "/jobs", headers={HEADER: "1.10"}).status == 200
    call("GET", "/jobs", headers={HEADER: "1.8"}).problem(400, "client_too_old")


def test_a_client_that_is_too_old_can_read_the_configuration(call: Call) -> None:
    assert call("GET", "/config", headers={HEADER: "0.9"}).status == 200
