"""Committed OpenAPI document: matches the API, and contains what client generators need."""

import json
import re
from typing import Any

import pytest
from pydantic import TypeAdapter

from darkroom.contract.requests import JobRequest
from handlers.assets.service import AssetRequest
from handlers.http_api.openapi import FILE, text
from handlers.http_api.openapi_examples import REQUESTS
from handlers.http_api.openapi_schemas import require_fields_of_answers
from handlers.jobs.resolved_request import Rerun
from handlers.prompts.enhancement import PromptRequest


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
                if status == "401":  # what API Gateway answers by itself, or a problem
                    assert list(response["content"]) == ["application/json", "application/problem+json"]
                    gateway = response["content"]["application/json"]["schema"]
                    assert gateway == {"$ref": "#/components/schemas/GatewayError"}
                    continue
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


def test_servers_are_templates_whose_variables_have_defaults(document: dict[str, Any]) -> None:
    assert document["servers"]
    for server in document["servers"]:
        assert set(re.findall(r"{(\w+)}", server["url"])) == server["variables"].keys()
        assert all(variable["default"] for variable in server["variables"].values())


def test_every_operation_has_one_tag_that_is_described(document: dict[str, Any]) -> None:
    used = [operation["tags"] for operation in operations(document)]
    assert {tag for tags in used for tag in tags} == {tag["name"] for tag in document["tags"]}
    assert all(len(tags) == 1 for tags in used)
    assert all(tag["description"] for tag in document["tags"])


def test_every_body_and_every_answer_has_an_example(document: dict[str, Any]) -> None:
    for operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for media in (media for body in bodies for media in body.get("content", {}).values()):
            assert media["examples"], operation["operationId"]


@pytest.mark.parametrize("name", REQUESTS)
def test_an_example_request_is_what_the_route_accepts(name: str) -> None:
    models: dict[str, TypeAdapter[Any]] = {
        "createJob": TypeAdapter(JobRequest),
        "rerunJob": TypeAdapter(Rerun),
        "createAsset": TypeAdapter(AssetRequest),
        "enhancePrompt": TypeAdapter(PromptRequest),
    }
    for _, body in REQUESTS[name].values():
        models[name].validate_python(body)


def test_answers_have_all_fields_and_requests_only_those_without_a_default(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["Job"]["required"] == list(schemas["Job"]["properties"])
    assert schemas["Problem"]["required"] == ["type", "title", "status", "detail", "code"]
    assert schemas["RestyleRoomRequest"]["required"] == ["kind", "params", "uploads"]
    assert schemas["RestyleRoomParams"]["required"] == ["style"]


def test_a_model_of_both_requests_and_answers_is_refused() -> None:
    content = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Both"}}}}
    operation = {"requestBody": content, "responses": {"200": content}}
    schema = {"properties": {"a": {"default": 1}}}
    document = {"paths": {"/": {"post": operation}}, "components": {"schemas": {"Both": schema}}}
    with pytest.raises(ValueError, match="Both is in requests and in answers"):
        require_fields_of_answers(document)


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for item in document["paths"].values() for operation in item.values()]
