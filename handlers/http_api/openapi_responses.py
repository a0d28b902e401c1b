"""Response declarations of routes for the OpenAPI document."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel

from handlers.http_api.problems import CONTENT_TYPE, Problem

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse


JSON = "application/json"


def document_responses(
    *answers: Mapping[int, tuple[str, type[BaseModel]]], problems: tuple[int, ...] = ()
) -> "dict[int, OpenAPIResponse]":
    """Return responses by status: each of ``answers`` with description and model, each of ``problems`` as a problem."""
    responses: dict[int, Any] = {}
    for answer in answers:
        for status, (description, model) in answer.items():
            responses[status] = {"description": description, "content": {JSON: {"model": model}}}
    for status in (*problems, 500):
        description = HTTPStatus(status).phrase
        responses[status] = {"description": description, "content": {CONTENT_TYPE: {"model": Problem}}}
    return cast("dict[int, OpenAPIResponse]", responses)
