"""JSON types of requests: each field accepts exactly the types that the OpenAPI document says."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from darkroom.contract.params import Contract
from darkroom.contract.requests import REQUEST_MODELS
from handlers.assets.service import AssetRequest
from handlers.jobs.resolved_request import Rerun
from handlers.prompts.enhancement import PromptRequest
from handlers.websocket.messages import Subscribe
from tests.handlers.calls import Call

assert {*REQUEST_MODELS.values(), AssetRequest, Rerun, PromptRequest, Subscribe}  # subclasses of Contract

# A number of a face may be sent as such: its description says so.
ALSO_A_NUMBER = {("FaceSwapParams", "faces")}
VALUES: dict[str, Any] = {
    "boolean": True,
    "integer": 1,
    "number": 1.5,
    "string": "1",
    "array": [],
    "object": {},
    "null": None,
}


def _models(base: type[Contract]) -> Iterator[type[Contract]]:
    for model in base.__subclasses__():
        if model.__module__.startswith(("darkroom.", "handlers.")):
            yield model
        yield from _models(model)


def _types(schema: dict[str, Any], definitions: dict[str, Any]) -> set[str]:
    """Return the JSON types that a schema accepts."""
    if "$ref" in schema:
        return _types(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return {name for member in schema[union] for name in _types(member, definitions)}
    if "type" not in schema:
        return set(VALUES)
    return {"number", "integer"} if schema["type"] == "number" else {schema["type"]}


def _fields() -> Iterator[tuple[type[Contract], str, set[str]]]:
    for model in _models(Contract):
        schema = model.model_json_schema()
        for name, field in schema.get("properties", {}).items():
            types = _types(field, schema.get("$defs", {}))
            yield model, name, types | ({"integer"} if (model.__name__, name) in ALSO_A_NUMBER else set())


FIELDS = [pytest.param(*field, id=f"{field[0].__name__}.{field[1]}") for field in _fields()]


def test_the_fields_are_found() -> None:
    assert len(FIELDS) > 80
    assert {"integer", "number", "boolean"} <= {name for _, _, types in _fields() for name in types}


@pytest.mark.parametrize(("model", "name", "types"), FIELDS)
def test_a_field_refuses_every_other_json_type(model: type[Contract], name: str, types: set[str]) -> None:
    for other in VALUES.keys() - types:
        with pytest.raises(ValidationError) as caught:
            model.model_validate({name: VALUES[other]})
        assert name in [error["loc"][0] for error in caught.value.errors()], other


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", True),
        ("seed", "7"),
        ("strength", True),
        ("strength", "0.5"),
        ("keep_people", 1),
        ("keep_at", [[True, 0]]),
    ],
)
def test_a_value_of_another_type_is_an_invalid_request(call: Call, field: str, value: object) -> None:
    body = {
        "kind": "restyle_room",
        "params": {"style": "boho", field: value},
        "uploads": {"photo": {"content_type": "image/jpeg"}},
    }
    problem = call("POST", "/jobs", body).problem(422, "invalid_request")
    assert problem["errors"][0]["field"].startswith(f"params.{field}")


@pytest.mark.usefixtures("environment")
def test_a_number_without_a_fraction_is_an_integer(call: Call) -> None:
    body = {"kind": "upscale", "uploads": {"photo": {"content_type": "image/jpeg", "size": 1000.0}}}
    created = call("POST", "/jobs", body)
    assert (created.status, created.body["job"]["uploads"]["photo"]["size"]) == (201, 1000)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("consent", [1, "true", 1.0])
def test_only_true_is_consent(call: Call, consent: object) -> None:
    uploads = {role: {"content_type": "image/jpeg"} for role in ("source", "target")}
    body = {"kind": "face_swap", "params": {"consent": consent}, "uploads": uploads}
    call("POST", "/jobs", body).problem(422, "invalid_request")
