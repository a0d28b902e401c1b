"""Clients generated from the OpenAPI document type-check, and create, upload and poll against a fake service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from darkroom.contract.requests import JobRequest
from tests.clients.generated import PythonClient, TypescriptClient, documented_body
from tests.darkroom.fake_service import TOKEN, Service


@pytest.fixture
def service() -> Iterator[Service]:
    with Service().running() as service:
        yield service


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "room.jpg"
    path.write_bytes(b"\xff\xd8\xff a room")
    return path


@pytest.fixture(scope="module")
def typescript(tmp_path_factory: pytest.TempPathFactory) -> TypescriptClient:
    return TypescriptClient(tmp_path_factory.mktemp("typescript"))


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> PythonClient:
    return PythonClient(tmp_path_factory.mktemp("python"))


def test_the_body_of_the_readme_type_checks_and_is_accepted(
    service: Service, photo: Path, typescript: TypescriptClient
) -> None:
    assert typescript.check_types() == []
    assert_made(typescript.make_picture(service.url, TOKEN, photo), service, photo)


def test_a_body_that_the_service_refuses_does_not_type_check(typescript: TypescriptClient) -> None:
    photo = {"photo": {"content_type": "image/jpeg"}}
    bodies: list[dict[str, Any]] = [
        {"kind": "restyle_room", "params": {"style": "japandi"}, "uploads": photo},
        {"kind": "restyle_room", "params": {}, "uploads": photo},
        {"kind": "restyle_room", "params": {"style": "japandi"}, "uploads": {}},
        {"kind": "upscale", "params": {"style": "japandi"}, "uploads": photo},
    ]
    errors = [error for error in typescript.check_bodies(bodies) if error.startswith("client.ts(")]
    assert {error.partition(",")[0] for error in errors} == {"client.ts(3", "client.ts(4", "client.ts(5"}


def test_a_generated_python_client_gets_a_picture_made(service: Service, photo: Path, python: PythonClient) -> None:
    assert_made(python.make_picture(service.url, TOKEN, photo), service, photo)


def test_the_typescript_client_tells_that_the_gateway_refused_the_token(
    service: Service, photo: Path, typescript: TypescriptClient
) -> None:
    with pytest.raises(AssertionError, match="Error: Unauthorized"):
        typescript.make_picture(service.url, "expired", photo)


def test_the_python_client_tells_that_the_gateway_refused_the_token(
    service: Service, photo: Path, python: PythonClient
) -> None:
    with pytest.raises(AssertionError, match=r"GatewayError\(message='Unauthorized'"):
        python.make_picture(service.url, "expired", photo)


def assert_made(job: dict[str, Any], service: Service, photo: Path) -> None:
    assert job["state"] == "completed"
    assert job["result"]["pictures"][0]["url"] == f"{service.url}/results/result.jpg"
    method, path, headers, body = service.requests[0]
    assert (method, path) == ("POST", "/jobs")
    assert headers["idempotency-key"]
    # Generated clients may send defaults, too: the request is the same.
    requests: TypeAdapter[Any] = TypeAdapter(JobRequest)
    assert requests.validate_python(body) == requests.validate_json(documented_body())
    assert [each["file"] for each in service.uploads] == [photo.read_bytes()]
