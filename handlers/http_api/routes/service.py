"""Service routes: styles, avatars, voices, health and public configuration."""

import base64
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from darkroom.contract.avatars import avatars
from darkroom.contract.kinds import KINDS, Kind
from darkroom.contract.picture_styles import PictureStyle, picture_styles
from darkroom.contract.styles import Style, styles
from darkroom.contract.voices import voices
from handlers.endpoint.health import Health, Unhealthy
from handlers.http_api import dependencies
from handlers.http_api.openapi_responses import JSON, document_responses
from handlers.http_api.response_models import (
    AvatarList,
    AvatarSummary,
    KindSummary,
    Limits,
    PublicConfig,
    StyleList,
    StyleSummary,
    VoiceList,
    VoiceSummary,
)

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call] # powertools


@router.get(
    "/styles",
    summary="The styles of a kind of job",
    operation_id="listStyles",
    tags=["styles"],
    responses=document_responses({200: ("Every style.", StyleList)}, problems=(401, 422)),
)
def list_styles(
    kind: Annotated[
        Literal[Kind.RESTYLE_ROOM, Kind.GENERATE], Query(description="Kind whose styles are listed.")
    ] = Kind.RESTYLE_ROOM,
) -> Response[StyleList]:
    """Styles of room restyling, or of generated pictures."""
    found: Iterable[Style | PictureStyle] = picture_styles().values() if kind is Kind.GENERATE else styles().values()
    known = [StyleSummary.model_validate(style, from_attributes=True, extra="ignore") for style in found]
    return Response(HTTPStatus.OK, JSON, StyleList(styles=known))


@router.get(
    "/avatars",
    summary="The avatars that come with the service",
    operation_id="listAvatars",
    tags=["styles"],
    responses=document_responses({200: ("Every avatar.", AvatarList)}, problems=(401,)),
)
def list_avatars() -> Response[AvatarList]:
    """The avatars that come with the service: people who do not exist."""
    return Response(HTTPStatus.OK, JSON, _avatars())


@router.get(
    "/voices",
    summary="The voices that say scripts",
    operation_id="listVoices",
    tags=["styles"],
    responses=document_responses({200: ("Every voice.", VoiceList)}, problems=(401,)),
)
def list_voices() -> Response[VoiceList]:
    """The voices that say the scripts of videos."""
    known = [VoiceSummary.model_validate(voice, from_attributes=True, extra="ignore") for voice in voices().values()]
    return Response(HTTPStatus.OK, JSON, VoiceList(voices=known))


@router.get(
    "/health",
    summary="Health of the service's dependencies",
    operation_id="getHealth",
    tags=["service"],
    responses=document_responses({200: ("Every dependency answers.", Health)}, problems=(401, 503)),
)
def health() -> Response[Health]:
    """Health of table, bucket, queue, and of what runs jobs: endpoint and function of previews, as far as deployed.

    The answer is 503 if one of them fails; `parts` has the details.
    """
    found = dependencies.health_check().check()
    if found.status == "ok":
        return Response(HTTPStatus.OK, JSON, found)
    raise Unhealthy(found)


@router.get(
    "/config",
    summary="Public configuration",
    operation_id="getConfig",
    tags=["service"],
    responses=document_responses({200: ("Addresses, limits and kinds.", PublicConfig)}),
)
def config() -> Response[PublicConfig]:
    """Public configuration: issuer of tokens, WebSocket, limits and kinds."""
    settings = dependencies.settings()
    available = dependencies.available_engines().read()
    body = PublicConfig(
        socket_url=settings.socket_url,
        region=settings.aws_region,
        issuer=settings.issuer,
        client_id=settings.client_id,
        limits=Limits(upload_seconds=settings.upload_seconds),
        kinds=[
            KindSummary(
                kind=kind,
                description=definition.summary,
                engines=[engine for engine in definition.engines if engine in available],
                ignored_params={
                    engine: list(support.ignored_params)
                    for engine, support in definition.engines.items()
                    if engine in available
                },
                makes_video=definition.makes_video,
            )
            for kind, definition in KINDS.items()
        ],
    )
    return Response(HTTPStatus.OK, JSON, body)


@cache
def _avatars() -> AvatarList:
    known = [
        AvatarSummary(
            **avatar.model_dump(), picture=f"data:image/webp;base64,{base64.b64encode(avatar.picture).decode()}"
        )
        for avatar in avatars().values()
    ]
    return AvatarList(avatars=known)
