"""Statistics routes: a day's jobs and the service status."""

from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from handlers.endpoint.service_status import Services
from handlers.http_api import dependencies
from handlers.http_api.caller import Caller
from handlers.http_api.openapi_responses import JSON, document_responses
from handlers.statistics.service import Statistics

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call] # powertools


@router.get(
    "/stats",
    summary="Statistics of a day (for administrators)",
    operation_id="getStatistics",
    tags=["administration"],
    responses=document_responses({200: ("Statistics of the day's jobs.", Statistics)}, problems=(401, 403, 422)),
)
def get_statistics(
    day: Annotated[
        date | None, Query(alias="date", description="A UTC day, one of the last 30; today if left out.")
    ] = None,
) -> Response[Statistics]:
    """Outcomes, durations and costs of a UTC day's jobs; for today, also the open jobs."""
    Caller.of(router.current_event).require_admin()
    return Response(HTTPStatus.OK, JSON, dependencies.statistics_service().for_day(day, datetime.now(UTC)))


@router.get(
    "/services",
    summary="Status of the service",
    operation_id="getServices",
    tags=["service"],
    responses=document_responses({200: ("The endpoint, its backlog and its instances.", Services)}, problems=(401,)),
)
def get_services() -> Response[Services]:
    """The endpoint, its backlog and its instances; a component that does not respond is null, with a reason."""
    Caller.of(router.current_event)
    return Response(HTTPStatus.OK, JSON, dependencies.service_status().read_status())
