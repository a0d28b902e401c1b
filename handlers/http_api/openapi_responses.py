"""Response declarations of routes for the OpenAPI document."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel

from handlers.http_api.problems import CONTENT_TYPE, GatewayError, Problem

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse


JSON = "application/json"


def document_responses(
    *successes: Mapping[int, tuple[str, type[BaseModel]]], problems: tuple[int, ...] = ()
) -> "dict[int, OpenAPIResponse]":
    """Return responses by status: ``successes`` with description and model, ``problems`` as problem details."""
    responses: dict[int, Any] = {}
    for success in successes:
        for status, (description, model) in success.items():
            responses[status] = {"description": description, "content": {JSON: {"model": model}}}
    for status in (*problems, 500):
        description = HTTPStatus(status).phrase
        content: dict[str, Any] = {CONTENT_TYPE: {"model": Problem}}
        if status == HTTPStatus.UNAUTHORIZED:
            # API Gateway's authorizer answers first, the API only if a token has no `sub`. It is first here, too, as
            # some generators read one content type only.
            content = {JSON: {"model": GatewayError}, **content}
        responses[status] = {"description": description, "content": content}
    return cast("dict[int, OpenAPIResponse]", responses)
