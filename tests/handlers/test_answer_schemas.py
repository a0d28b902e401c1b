"""Answers of the API have every field that the OpenAPI document requires of them."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cloud.dynamodb.job_record import JobRecord
from darkroom.contract.jobs import State
from handlers.http_api.openapi import FILE
from handlers.http_api.openapi_examples import answers, problem_answer
from tests.handlers.calls import Answer, Call
from tests.handlers.job_requests import job_request

pytestmark = pytest.mark.usefixtures("environment")
DOCUMENT: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def missing(value: Any, schema: dict[str, Any], where: str = "") -> Iterator[str]:
    """Yield the paths of required properties that a value lacks, and of properties that its schema does not have."""
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema and value is not None:
        found = [list(missing(value, each, where)) for each in schema["anyOf"] if each.get("type") != "null"]
        yield from min(found, key=len)
    elif isinstance(value, dict) and schema.get("type") == "object":
        yield from (f"{where}.{name}" for name in schema.get("required", []) if name not in value)
        for name, member in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties", False))
            if inner is False:
                yield f"{where}.{name} is not described"
            elif inner is not True:
                yield from missing(member, inner, f"{where}.{name}")
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, member in enumerate(value):
            yield from missing(member, schema["items"], f"{where}[{index}]")


def described(answer: Answer, method: str, path: str) -> list[str]:
    """Return what an answer lacks of the schema of its route and status."""
    content = DOCUMENT["paths"][path][method.lower()]["responses"][str(answer.status)]["content"]
    media = answer.headers["content-type"].partition(";")[0]
    return list(missing(answer.body, content[media]["schema"]))


def test_answers_about_jobs_have_every_field(call: Call, job_in: Callable[..., JobRecord]) -> None:
    created = call("POST", "/jobs", job_request())
    assert (created.status, described(created, "POST", "/jobs")) == (201, [])
    job_id = created.body["job"]["job_id"]
    for method, path in (("GET", "/jobs/{job_id}"), ("POST", "/jobs/{job_id}/uploads"), ("DELETE", "/jobs/{job_id}")):
        answer = call(method, path.format(job_id=job_id))
        assert (answer.status, described(answer, method, path)) == (200, [])
    job_in(State.RUNNING)
    page = call("GET", "/jobs")
    assert len(page.body["jobs"]) == 2
    assert described(page, "GET", "/jobs") == []


def test_answers_about_assets_have_every_field(call: Call) -> None:
    created = call("POST", "/assets", {"upload": {"content_type": "image/png"}})
    assert (created.status, described(created, "POST", "/assets")) == (201, [])
    path, asset_id = "/assets/{asset_id}", created.body["asset"]["asset_id"]
    for method in ("GET", "DELETE"):
        answer = call(method, path.format(asset_id=asset_id))
        assert (answer.status, described(answer, method, path)) == (200, [])


@pytest.mark.parametrize(
    "path", ["/assets", "/styles", "/avatars", "/voices", "/config", "/limits", "/stats", "/cache/stats"]
)
def test_answers_about_the_service_have_every_field(call: Call, path: str) -> None:
    answer = call("GET", path, scope="darkroom/admin")
    assert (answer.status, described(answer, "GET", path)) == (200, [])


def test_problems_have_every_field(call: Call) -> None:
    refused = call("POST", "/jobs", job_request(params={"style": "none"}))
    assert (refused.status, described(refused, "POST", "/jobs")) == (422, [])
    unknown = call("GET", f"/jobs/{'0' * 32}")
    assert (unknown.status, described(unknown, "GET", "/jobs/{job_id}")) == (404, [])


def test_a_missing_and_an_undescribed_field_are_found() -> None:
    job = answers()["getJob"][200].model_dump(mode="json")
    reference = {"$ref": "#/components/schemas/Job"}
    assert list(missing(job, reference)) == []
    del job["result"]["seed"]
    assert list(missing({**job, "more": 1}, reference)) == [".result.seed", ".more is not described"]


def test_the_example_of_a_problem_is_one_of_its_status() -> None:
    assert problem_answer(429).code.value == "rate_limited"
