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
    """Rate limit of one kind, of prompts, or of new assets."""

    limit: int = Field(description="Requests allowed in a window.")
    remaining: int
    window_seconds: int
    reset_seconds: int = Field(
        description="Seconds until the open window ends; those of a whole window if none is open."
    )


class LimitsNow(BaseModel):
    """Remaining rate limits and budget of a caller."""

    rates: dict[str, RateLimit] = Field(description="Kind, `prompts` or `assets`.")
    budget: Spending


@router.get(
    "/limits",
    summary="Your remaining rate limits and budget",
    operation_id="getLimits",
    tags=["limits"],
    responses=document_responses({200: ("Rate limits and the day's budget.", LimitsNow)}, problems=(401,)),
)
def get_limits() -> Response[LimitsNow]:
    """Rate limits of every kind and the day's budget. This request is not counted."""
    owner = Caller.of(router.current_event).owner
    rates = {
        subject: RateLimit(
            limit=status.rate.count,
            remaining=status.remaining,
            window_seconds=status.rate.seconds,
            reset_seconds=status.reset_seconds,
        )
        for subject, status in dependencies.rate_limiter().all_statuses(owner).items()
    }
    spending = dependencies.budget().current_spending(owner, now=datetime.now(UTC))
    return Response(HTTPStatus.OK, JSON, LimitsNow(rates=rates, budget=spending))
