"""Result cache routes, for administrators."""

import time
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from handlers.http_api import dependencies
from handlers.http_api.caller import Caller
from handlers.http_api.openapi_responses import JSON, document_responses
from handlers.jobs.result_cache import DAY_SECONDS, CacheCleared, CacheStats

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call] # powertools


@router.get(
    "/cache/stats",
    summary="Statistics of the result cache (for administrators)",
    operation_id="getCacheStats",
    tags=["administration"],
    responses=document_responses({200: ("Counters of the last 30 days.", CacheStats)}, problems=(401, 403)),
)
def cache_stats() -> Response[CacheStats]:
    """Hits, misses and savings of the result cache. For administrators."""
    Caller.of(router.current_event).require_admin()
    return Response(HTTPStatus.OK, JSON, dependencies.result_cache().stats())


@router.delete(
    "/cache",
    summary="Clear the result cache (for administrators)",
    operation_id="clearCache",
    tags=["administration"],
    responses=document_responses(
        {200: ("The time from which results are reused.", CacheCleared)}, problems=(401, 403, 422)
    ),
)
def clear_cache(
    max_age_days: Annotated[
        float, Query(ge=0, le=3650, allow_inf_nan=False, description="Age of the results to clear; 0: all results.")
    ] = 0.0,
) -> Response[CacheCleared]:
    """Clear results older than `max_age_days`; jobs keep theirs. For administrators."""
    Caller.of(router.current_event).require_admin()
    return Response(HTTPStatus.OK, JSON, dependencies.result_cache().clear(time.time() - max_age_days * DAY_SECONDS))
