"""Asset library of the fake service."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.darkroom.responses import START, problem


class Library:
    """The assets that the fake keeps; what is uploaded is looked at when it is asked for the second time."""

    def __init__(self, form: Callable[[str], dict[str, Any]]) -> None:
        self._form = form
        self.assets: dict[str, dict[str, Any]] = {}
        self.refusal: dict[str, str] | None = None  # for the next upload that is looked at
        self._reads: dict[str, int] = {}

    def arrived(self, asset_id: str) -> None:
        """The picture is in the storage."""
        self._reads[asset_id] = 0

    async def create(self, request: Request) -> Response:
        body = await request.json()
        asset_id = f"{len(self.assets) + 1:032x}"
        asset = {"asset_id": asset_id, "name": body.get("name"), "created_at": START.isoformat(), "state": "ready"}
        self.assets[asset_id] = asset
        if "upload" not in body:
            source = {"type": "job", **{name: body[name] for name in ("job_id", "picture", "role") if name in body}}
            asset |= {"content_type": "image/jpeg", "width": 4, "height": 3, "size": 9, "source": source}
            return JSONResponse({"asset": asset, "upload": None}, 201)
        asset |= {**body["upload"], "state": "awaiting_upload", "source": {"type": "upload"}}
        return JSONResponse({"asset": asset, "upload": self._form(f"assets/{asset_id}")}, 201)

    async def page(self, request: Request) -> Response:
        wanted = request.query_params.get("state")
        found = [each for each in self.assets.values() if wanted in (None, each["state"])]
        start, limit = int(request.query_params.get("cursor", 0)), int(request.query_params.get("limit", 20))
        cursor = str(start + limit) if start + limit < len(found) else None
        return JSONResponse({"assets": found[start : start + limit], "cursor": cursor})

    async def get(self, request: Request) -> Response:
        asset = self.assets.get(request.path_params["asset_id"])
        if asset is None:
            return problem(404, "not_found", "You have no asset with this id.")
        if asset["asset_id"] in self._reads:
            self._reads[asset["asset_id"]] += 1
            if self._reads[asset["asset_id"]] > 1:
                asset |= {"state": "ready", "width": 64, "height": 48, "url": "https://storage.test/asset"}
                if self.refusal is not None:
                    asset |= {"state": "failed", "error": self.refusal}
        return JSONResponse(asset)

    async def remove(self, request: Request) -> Response:
        self.assets.pop(request.path_params["asset_id"], None)
        return JSONResponse({"asset_id": request.path_params["asset_id"]})


def described_uploads(asked: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The uploads of a new job: what an asset or an avatar is comes from the library."""
    return {role: {"content_type": "image/jpeg", **each} for role, each in asked.items()}
