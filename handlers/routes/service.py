"""The service itself: what it knows, how it is, and what a client needs to begin."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from handlers import composition
from handlers.bodies import Health, Limits, PublicConfig, StyleList, StyleSummary
from handlers.health import Unhealthy
from handlers.openapi_responses import JSON, document
from pipeline.styles import styles

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call] # powertools


@router.get(
    "/styles",
    summary="The styles of room restyling",
    operation_id="listStyles",
    responses=document({200: ("Every style.", StyleList)}, problems=(401,)),
)
def list_styles() -> Response[StyleList]:
    """The styles of room restyling."""
    known = [StyleSummary.model_validate(style, from_attributes=True, extra="ignore") for style in styles().values()]
    return Response(HTTPStatus.OK, JSON, StyleList(styles=known))


@router.get(
    "/health",
    summary="Whether everything the service stands on answers",
    operation_id="getHealth",
    responses=document({200: ("Everything answers.", Health)}, problems=(401, 503)),
)
def health() -> Response[Health]:
    """Whether table, bucket, queue and endpoint answer; 503 with the parts in `parts` when one does not."""
    found = composition.health_check().check()
    if found.status == "ok":
        return Response(HTTPStatus.OK, JSON, found)
    raise Unhealthy(found)


@router.get(
    "/config",
    summary="What a client needs before it has a token",
    operation_id="getConfig",
    responses=document({200: ("Where things are, and the limits.", PublicConfig)}),
)
def config() -> Response[PublicConfig]:
    """What a client needs before it has a token: where to get one, where the WebSocket is, and the limits."""
    settings = composition.settings()
    body = PublicConfig(
        socket_url=settings.socket_url,
        region=settings.aws_region,
        issuer=settings.issuer,
        client_id=settings.client_id,
        limits=Limits(upload_seconds=settings.upload_seconds),
    )
    return Response(HTTPStatus.OK, JSON, body)
