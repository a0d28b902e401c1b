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

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call] # powertools

AssetIdPath = Annotated[str, Path(description="The asset's id.", examples=["0123456789abcdef0123456789abcdef"])]


class AssetWithUpload(BaseModel):
    """An asset and the form to upload its picture."""

    asset: PublicAsset
    upload: PresignedPost | None = Field(None, description="Null when its picture is there.")


class AssetPage(BaseModel):
    """Some of the caller's assets, newest first."""

    assets: list[PublicAsset]
    cursor: str | None = Field(None, description="Give it back as `cursor` for the next page; null on the last.")


class AssetDeleted(BaseModel):
    """An asset is not there any more."""

    asset_id: str


def _owner() -> str:
    return Caller.of(router.current_event).owner


@router.post(
    "/assets",
    summary="Keep a picture in your library",
    operation_id="createAsset",
    responses=document_responses(
        {201: ("A new asset; with a form, where its picture is to be uploaded.", AssetWithUpload)},
        {200: ("The asset that this Idempotency-Key made before.", AssetWithUpload)},
        problems=(401, 404, 409, 413, 415, 422),
    ),
)
def create_asset(
    request: Annotated[AssetRequest, Body()], idempotency_key: IdempotencyKey = None
) -> Response[AssetWithUpload]:
    """Keep a picture: one to be uploaded with the form that comes back, or one that a job made or was given."""
    library = dependencies.asset_service()
    asset, new = library.create(_owner(), request, idempotency_key)
    body = AssetWithUpload(asset=library.public(asset), upload=library.presigned_post(asset))
    status = HTTPStatus.CREATED if new else HTTPStatus.OK
    return Response(status, JSON, body, headers={"Location": f"/assets/{asset.asset_id}"})


@router.get(
    "/assets",
    summary="Your assets, newest first",
    operation_id="listAssets",
    responses=document_responses({200: ("A page of assets.", AssetPage)}, problems=(401, 422)),
)
def list_assets(
    state: Annotated[AssetState | None, Query(description="Only assets in this state.")] = None,
    cursor_: Cursor = None,
    limit: Limit = 20,
) -> Response[AssetPage]:
    """The caller's assets, newest first, those included whose pictures are still to come."""
    library = dependencies.asset_service()
    after = None if cursor_ is None else cursor.decode(cursor_)
    assets, position = library.page(_owner(), limit=limit, state=state, after=after)
    body = AssetPage(assets=[library.public(asset) for asset in assets], cursor=cursor.encode(position))
    return Response(HTTPStatus.OK, JSON, body)


@router.get(
    "/assets/<asset_id>",
    summary="An asset as it is now",
    operation_id="getAsset",
    responses=document_responses(
        {200: ("The asset, with a fresh link to its picture.", PublicAsset)}, problems=(401, 404)
    ),
)
def get_asset(asset_id: AssetIdPath) -> Response[PublicAsset]:
    """An asset as it is now."""
    library = dependencies.asset_service()
    return Response(HTTPStatus.OK, JSON, library.public(library.get(_owner(), asset_id)))


@router.delete(
    "/assets/<asset_id>",
    summary="Delete an asset and its picture",
    operation_id="deleteAsset",
    responses=document_responses({200: ("You have no asset with this id any more.", AssetDeleted)}, problems=(401,)),
)
def delete_asset(asset_id: AssetIdPath) -> Response[AssetDeleted]:
    """Delete an asset and its picture; deleting it again is fine. Jobs that started from it keep their copies."""
    dependencies.asset_service().delete(_owner(), asset_id)
    return Response(HTTPStatus.OK, JSON, AssetDeleted(asset_id=asset_id))
