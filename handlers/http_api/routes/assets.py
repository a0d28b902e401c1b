"""Asset routes: create, list, read and delete pictures of the caller's library."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BaseModel, Field

from cloud.s3.presigner import PresignedPost
from handlers.assets.asset import AssetState, PublicAsset
from handlers.assets.service import AssetRequest
from handlers.http_api import cursor, dependencies
from handlers.http_api.caller import Caller
from handlers.http_api.openapi_responses import JSON, document_responses
from handlers.http_api.routes.parameters import Cursor, IdempotencyKey, Limit
from handlers.limits.rates import ASSETS

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call] # powertools

AssetIdPath = Annotated[str, Path(description="The asset's id.", examples=["0123456789abcdef0123456789abcdef"])]


class AssetWithUpload(BaseModel):
    """An asset and the form to upload its picture."""

    asset: PublicAsset
    upload: PresignedPost | None = Field(None, description="Null once the picture is uploaded.")


class AssetPage(BaseModel):
    """A page of the caller's assets, newest first."""

    assets: list[PublicAsset]
    cursor: str | None = Field(None, description="The `cursor` parameter of the next page; null on the last.")


class AssetDeleted(BaseModel):
    """Confirmation that an asset does not exist any more."""

    asset_id: str


def _owner() -> str:
    return Caller.of(router.current_event).owner


@router.post(
    "/assets",
    summary="Create an asset in your library",
    operation_id="createAsset",
    tags=["assets"],
    responses=document_responses(
        {201: ("A new asset; with a form, if its picture is to be uploaded.", AssetWithUpload)},
        {200: ("The asset that was created with this Idempotency-Key before.", AssetWithUpload)},
        problems=(401, 404, 409, 413, 415, 422, 429),
    ),
)
def create_asset(
    request: Annotated[AssetRequest, Body()], idempotency_key: IdempotencyKey = None
) -> Response[AssetWithUpload]:
    """Create an asset: a picture uploaded with the returned form, or an output or input picture of a job."""
    library = dependencies.asset_service()
    owner = _owner()
    limit = dependencies.rate_limiter().acquire(owner, ASSETS)
    asset, new = library.create(owner, request, idempotency_key)
    body = AssetWithUpload(asset=library.public(asset), upload=library.presigned_post(asset))
    status = HTTPStatus.CREATED if new else HTTPStatus.OK
    return Response(status, JSON, body, headers={"Location": f"/assets/{asset.asset_id}", **limit.headers})


@router.get(
    "/assets",
    summary="Your assets, newest first",
    operation_id="listAssets",
    tags=["assets"],
    responses=document_responses({200: ("A page of assets.", AssetPage)}, problems=(401, 422)),
)
def list_assets(
    state: Annotated[AssetState | None, Query(description="Only assets in this state.")] = None,
    cursor_: Cursor = None,
    limit: Limit = 20,
) -> Response[AssetPage]:
    """List the caller's assets, newest first, including those that await their upload."""
    library = dependencies.asset_service()
    after = None if cursor_ is None else cursor.decode(cursor_)
    assets, position = library.page(_owner(), limit=limit, state=state, after=after)
    body = AssetPage(assets=[library.public(asset) for asset in assets], cursor=cursor.encode(position))
    return Response(HTTPStatus.OK, JSON, body)


@router.get(
    "/assets/<asset_id>",
    summary="Get an asset",
    operation_id="getAsset",
    tags=["assets"],
    responses=document_responses(
        {200: ("The asset, with a fresh link to its picture.", PublicAsset)}, problems=(401, 404)
    ),
)
def get_asset(asset_id: AssetIdPath) -> Response[PublicAsset]:
    """Return the current state of an asset."""
    library = dependencies.asset_service()
    return Response(HTTPStatus.OK, JSON, library.public(library.get(_owner(), asset_id)))


@router.delete(
    "/assets/<asset_id>",
    summary="Delete an asset and its picture",
    operation_id="deleteAsset",
    tags=["assets"],
    responses=document_responses({200: ("The asset does not exist any more.", AssetDeleted)}, problems=(401,)),
)
def delete_asset(asset_id: AssetIdPath) -> Response[AssetDeleted]:
    """Delete an asset and its picture. Idempotent. Jobs that use the asset keep their copies."""
    dependencies.asset_service().delete(_owner(), asset_id)
    return Response(HTTPStatus.OK, JSON, AssetDeleted(asset_id=asset_id))
