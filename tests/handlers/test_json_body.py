"""Bodies of requests: the content type as clients write it, their encoding, and what is no JSON."""

import base64
import json
from typing import Any

import pytest

from handlers import api
from tests.handlers.calls import Answer, Call, request
from tests.handlers.job_requests import job_request

pytestmark = pytest.mark.usefixtures("environment")

BODIES: list[tuple[str, dict[str, Any]]] = [
    ("/jobs", job_request()),
    ("/assets", {"upload": {"content_type": "image/png"}}),
    ("/prompts/enhance", {"prompt": "a red fox"}),
]
JSON_TYPES = [
    "Application/JSON",
    "APPLICATION/JSON",
    "application/json; charset=UTF-8",
    'application/JSON;charset="utf-8"',
    " application/json ",
    "application/json;",
    "application/json; charset=iso-8859-1",  # without a meaning, says RFC 8259
]


@pytest.mark.parametrize("content_type", JSON_TYPES)
@pytest.mark.parametrize(("path", "body"), BODIES)
def test_json_is_read_however_its_type_is_written(
    call: Call, path: str, body: dict[str, Any], content_type: str
) -> None:
    assert call("POST", path, body, headers={"content-type": content_type}).status in (200, 201)


@pytest.mark.parametrize("content_type", JSON_TYPES)
def test_a_rerun_reads_json_however_its_type_is_written(call: Call, content_type: str) -> None:
    answer = call("POST", f"/jobs/{'0' * 32}/rerun", {"cache": False}, headers={"content-type": content_type})
    answer.problem(404, "not_found")


@pytest.mark.parametrize("name", ["Content-Type", "CONTENT-TYPE"])
def test_the_case_of_header_names_has_no_meaning(context: Any, name: str) -> None:
    event = request("POST", "/jobs", job_request())
    event["headers"] = {name: "application/json"}
    assert Answer(api.handler(event, context)).status == 201
    event["headers"] = {name: "text/plain"}
    Answer(api.handler(event, context)).problem(415, "unsupported_media")
    event["headers"] = {name: "application/json", "Darkroom-API-Version": "0.0"}
    Answer(api.handler(event, context)).problem(400, "client_too_old")


def test_a_body_without_a_type_is_read_as_json(context: Any) -> None:
    event = request("POST", "/jobs", job_request())
    event["headers"] = {}
    assert Answer(api.handler(event, context)).status == 201
    del event["headers"]
    assert Answer(api.handler(event, context)).status == 201


@pytest.mark.parametrize(
    "content_type",
    ["application/problem+json", "application/jsonp", "application/json5", "text/json", "*/*", "", "application/json,"],
)
def test_another_type_is_unsupported(call: Call, content_type: str) -> None:
    answer = call("POST", "/jobs", job_request(), headers={"content-type": content_type})
    assert "application/json" in answer.problem(415, "unsupported_media")["detail"]


@pytest.mark.parametrize("path", [f"/jobs/{'0' * 32}/rerun", f"/jobs/{'0' * 32}/uploads"])
def test_the_type_of_an_absent_body_has_no_meaning(call: Call, path: str) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "Application/JSON"):
        call("POST", path, headers={"content-type": content_type}).problem(404, "not_found")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le"])
def test_a_body_that_is_not_utf_8_is_refused_and_told_so(context: Any, encoding: str) -> None:
    body = json.dumps(job_request(params={"prompt": "café"}), ensure_ascii=False).encode(encoding)
    event = request("POST", "/jobs", base64.b64encode(body).decode())
    event |= {"isBase64Encoded": True, "headers": {"content-type": f"application/json; charset={encoding}"}}
    problem = Answer(api.handler(event, context)).problem(422, "invalid_request")
    assert problem["errors"][0]["field"] == "body"
    if encoding != "utf-16-le":  # whose zeros are valid UTF-8
        assert "UTF-8" in problem["detail"]


def test_a_base64_body_of_utf_8_is_read(context: Any) -> None:
    body = json.dumps(job_request(params={"prompt": "café"}), ensure_ascii=False).encode()
    event = request("POST", "/jobs", base64.b64encode(body).decode())
    event |= {"isBase64Encoded": True, "headers": {"content-type": "Application/JSON"}}
    answer = Answer(api.handler(event, context))
    assert (answer.status, answer.body["job"]["params"]["prompt"]) == (201, "café")


def test_null_is_no_body_where_a_body_is_optional(call: Call) -> None:
    call("POST", f"/jobs/{'0' * 32}/rerun", "null").problem(404, "not_found")
    call("POST", "/jobs", "null").problem(422, "invalid_request")
