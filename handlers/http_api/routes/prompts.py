"""Prompt routes: enhance a prompt before it is used in a job."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from handlers.http_api import dependencies
from handlers.http_api.caller import Caller
from handlers.http_api.openapi_responses import JSON, document_responses
from handlers.limits.rates import PROMPTS
from handlers.prompts.enhancement import EnhancedPrompt, PromptRequest

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call] # powertools


@router.post(
    "/prompts/enhance",
    summary="Enhance a prompt",
    operation_id="enhancePrompt",
    tags=["prompts"],
    responses=document_responses({200: ("The enhanced prompt.", EnhancedPrompt)}, problems=(401, 415, 422, 429)),
)
def enhance_prompt(request: Annotated[PromptRequest, Body()]) -> Response[EnhancedPrompt]:
    """Enhance a prompt by the deployment's language model; by rules if it has none, or if the model fails."""
    status = dependencies.rate_limiter().acquire(Caller.of(router.current_event).owner, PROMPTS)
    body = dependencies.prompt_enhancer().enhance(request)
    return Response(HTTPStatus.OK, JSON, body, headers=dict(status.headers))
