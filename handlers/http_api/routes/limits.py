"""Limit routes: a caller's rate limits and the day's budget."""

from datetime import UTC, datetime
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BaseModel, Field

from handlers.http_api import dependencies
from handlers.http_api.caller import Caller
from handlers.http_api.openapi_responses import JSON, document_responses
from handlers.limits.budget import Spending

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call] # powertools


class RateLimit(BaseModel):
    """One limit."""

    limit: int = Field(description="Requests in a window.")
    remaining: int
    window_seconds: int
    reset_seconds: int = Field(description="Until the window that is open ends; a whole one when none is.")


class LimitsNow(BaseModel):
    """What a caller may still ask for."""

    rates: dict[str, RateLimit] = Field(description="Kind, or `prompts`.")
    budget: Spending


@router.get(
    "/limits",
    summary="What you may still ask for",
    operation_id="getLimits",
    responses=document_responses({200: ("Rate limits and the day's budget.", LimitsNow)}, problems=(401,)),
)
def get_limits() -> Response[LimitsNow]:
    """Rate limits of every kind and the day's budget, as they stand. Asking counts for nothing."""
    owner = Caller.of(router.current_event).owner
    rates = {
        subject: RateLimit(
            limit=standing.rate.count,
            remaining=standing.remaining,
            window_seconds=standing.rate.seconds,
            reset_seconds=standing.reset_seconds,
        )
        for subject, standing in dependencies.rate_limiter().all_statuses(owner).items()
    }
    spending = dependencies.budget().current_spending(owner, now=datetime.now(UTC))
    return Response(HTTPStatus.OK, JSON, LimitsNow(rates=rates, budget=spending))
