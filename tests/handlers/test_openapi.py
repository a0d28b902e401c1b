"""Committed OpenAPI document: matches the API, and contains what client generators need."""

import json
from typing import Any

import pytest

from handlers.http_api.openapi import FILE, text


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return found


def test_the_committed_document_is_up_to_date() -> None:
    assert FILE.read_text("utf-8") == text(), "run `make reference` and commit handlers/http_api/openapi.json"


def test_every_operation_except_config_requires_a_token(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    public = [path for path, item in document["paths"].items() if any(op.get("security") == [] for op in item.values())]
    assert public == ["/config"]


def test_the_job_request_is_a_union_discriminated_by_kind(document: dict[str, Any]) -> None:
    create = document["paths"]["/jobs"]["post"]
    schema = create["requestBody"]["content"]["application/json"]["schema"]
    assert schema["discriminator"]["propertyName"] == "kind"
    for reference in schema["discriminator"]["mapping"].values():
        assert reference.rpartition("/")[2] in document["components"]["schemas"]
    assert [parameter["name"] for parameter in create["parameters"]] == ["Idempotency-Key"]
    assert {"200", "201", "401", "413", "415", "422"} <= create["responses"].keys()


def test_every_error_response_is_a_problem(document: dict[str, Any]) -> None:
    for item in document["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                expected = "application/problem+json" if int(status) >= 400 else "application/json"
                assert list(response["content"]) == [expected]


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for member in value.values() for found in references(member)]
        return [found for member in value for found in references(member)] if isinstance(value, list) else []

    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]
