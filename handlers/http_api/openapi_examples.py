"""Examples of the OpenAPI document: request bodies and answers by operation id.

Answers are built from the response models, so each example has every field that the API sends.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from cloud.instance_reports import InstanceReport, LoadedModel
from cloud.s3.presigner import PresignedPost
from darkroom.contract.avatars import avatars
from darkroom.contract.engine import Engine
from darkroom.contract.jobs import Job, State, UploadStatus
from darkroom.contract.kinds import Kind
from darkroom.contract.results import Picture, Quality, Result, StageTime
from darkroom.contract.styles import styles
from darkroom.contract.voices import voices
from handlers.assets.asset import AssetState, PublicAsset
from handlers.endpoint.health import Health, Part
from handlers.endpoint.service_status import Backlog, EndpointStatus, PreviewsStatus, Services
from handlers.http_api.error_codes import ERROR_CODES
from handlers.http_api.openapi_responses import JSON
from handlers.http_api.problems import CONTENT_TYPE, FieldError, Problem, problem
from handlers.http_api.response_models import (
    AvatarList,
    AvatarSummary,
    JobPage,
    JobWithUploads,
    KindSummary,
    Limits,
    PublicConfig,
    StyleList,
    StyleSummary,
    VoiceList,
    VoiceSummary,
)
from handlers.http_api.routes.assets import AssetDeleted, AssetPage, AssetWithUpload
from handlers.http_api.routes.limits import LimitsNow, RateLimit
from handlers.jobs.result_cache import CacheCleared, CacheDay, CacheStats
from handlers.limits.budget import Spending
from handlers.prompts.enhancement import EnhancedPrompt
from handlers.statistics.service import Durations, EngineStatistics, KindStatistics, Statistics

INVALID = HTTPStatus.UNPROCESSABLE_ENTITY
JOB_ID = "4f1c8d2e9b7a40635c1d8e2f9a0b4c7d"
ASSET_ID = "0b7e5c1a9d3f48268e4a7c2b5d1f6e90"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
BUCKET = "https://bucket.s3.eu-west-1.amazonaws.com"
CREATED_AT = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
ENDED_AT = CREATED_AT + timedelta(seconds=42)

RESTYLE = {
    "kind": "restyle_room",
    "params": {"style": "japandi", "seed": 7},
    "uploads": {"photo": {"content_type": "image/jpeg"}},
}
# operation id → name → (summary, request body).
REQUESTS: Mapping[str, Mapping[str, tuple[str, Any]]] = {
    "createJob": {
        "restyle_room": ("Restyle a photographed room", RESTYLE),
        "generate": ("Make pictures from words", {"kind": "generate", "params": {"prompt": "a brass desk lamp"}}),
        "upscale_asset": (
            "Enlarge a picture of your library",
            {"kind": "upscale", "params": {"scale": 3}, "uploads": {"photo": {"asset_id": ASSET_ID}}},
        ),
    },
    "rerunJob": {"other_seed": ("The same job with another seed", {"params": {"seed": 8}})},
    "createAsset": {
        "upload": ("A new upload", {"name": "Living room", "upload": {"content_type": "image/jpeg"}}),
        "result": ("The result of a job", {"job_id": JOB_ID, "picture": "result"}),
    },
    "enhancePrompt": {"generate": ("A prompt for a generated picture", {"prompt": "a brass desk lamp"})},
}


def job(state: State = State.COMPLETED) -> Job:
    """Return a job that awaits its upload, is completed, or is cancelled."""
    ended = state.terminal
    return Job(
        job_id=JOB_ID,
        kind=Kind.RESTYLE_ROOM,
        state=state,
        seq=9 if ended else 1,
        attempt=1 if ended else 0,
        progress=1.0 if state is State.COMPLETED else 0.0,
        engine=Engine.PREVIEW,
        params={"style": "japandi", "seed": 7},
        uploads={"photo": UploadStatus(content_type="image/jpeg", received=ended)},
        result=_result() if state is State.COMPLETED else None,
        error=None,
        timeline=[StageTime(stage="layout", seconds=0.4)] if state is State.COMPLETED else [],
        cost_usd=0.0003 if state is State.COMPLETED else None,
        created_at=CREATED_AT,
        updated_at=ENDED_AT if ended else CREATED_AT,
    )


def _result() -> Result:
    key = f"results/{JOB_ID}/result.jpg"
    picture = Picture(
        name="result",
        key=key,
        content_type="image/jpeg",
        size=345678,
        sha256=SHA256,
        url=f"{BUCKET}/{key}",
        width=1600,
        height=1200,
    )
    quality = Quality.from_scores(structure=0.93, style=0.88, visual=0.9)
    return Result(pictures=[picture], engine=Engine.PREVIEW, seed=7, quality=quality)


def _form(key: str) -> PresignedPost:
    fields = {"Content-Type": "image/jpeg", "key": key, "policy": "eyJleHBpcmF0aW9uIjog", "x-amz-signature": "5d1f"}
    return PresignedPost(url=BUCKET, fields=fields, expires_at=CREATED_AT + timedelta(minutes=15))


def _asset(state: AssetState = AssetState.READY) -> PublicAsset:
    ready = {"width": 1600, "height": 1200, "size": 345678, "sha256": SHA256, "url": f"{BUCKET}/assets/{ASSET_ID}"}
    return PublicAsset(
        asset_id=ASSET_ID,
        name="Living room",
        state=state,
        content_type="image/jpeg",
        created_at=CREATED_AT,
        **(ready if state is AssetState.READY else {}),
    )


def _created() -> JobWithUploads:
    return JobWithUploads(job=job(State.AWAITING_UPLOAD), uploads={"photo": _form(f"uploads/{JOB_ID}/photo")})


def answers() -> Mapping[str, Mapping[int, BaseModel]]:
    """Return the answers: operation id → status → body."""
    style, voice = next(iter(styles().values())), next(iter(voices().values()))
    new_asset = AssetWithUpload(asset=_asset(AssetState.AWAITING_UPLOAD), upload=_form(f"assets/{ASSET_ID}"))
    return {
        "createJob": {201: _created(), 200: _created()},
        "rerunJob": {code: JobWithUploads(job=job(), uploads={}) for code in (201, 200)},
        "listJobs": {200: JobPage(jobs=[job()], cursor=None)},
        "getJob": {200: job()},
        "cancelJob": {200: job(State.CANCELLED)},
        "renewUploads": {200: _created()},
        "createAsset": {201: new_asset, 200: new_asset},
        "listAssets": {200: AssetPage(assets=[_asset()], cursor=None)},
        "getAsset": {200: _asset()},
        "deleteAsset": {200: AssetDeleted(asset_id=ASSET_ID)},
        "enhancePrompt": {
            200: EnhancedPrompt(prompt="a brass desk lamp, soft side light", original="a brass desk lamp", by="rules")
        },
        "getLimits": {200: _limits()},
        "listStyles": {200: StyleList(styles=[StyleSummary.model_validate(style, from_attributes=True)])},
        "listAvatars": {200: _avatars()},
        "listVoices": {200: VoiceList(voices=[VoiceSummary.model_validate(voice, from_attributes=True)])},
        "getHealth": {200: _health()},
        "getConfig": {200: _config()},
        "getServices": {200: _services()},
        "getStatistics": {200: _statistics()},
        "getCacheStats": {200: _cache_stats()},
        "clearCache": {200: CacheCleared(valid_from=CREATED_AT, moved=True)},
    }


def problem_answer(status: int) -> Problem:
    """Return the problem of the first error code with this status."""
    code = next(code for code, each in ERROR_CODES.items() if each.status == status)
    errors = [FieldError(field="params.style", message="Field required")] if status == INVALID else None
    return problem(code, ERROR_CODES[code].meaning, errors)


def _limits() -> LimitsNow:
    rates = {"restyle_room": RateLimit(limit=10, remaining=9, window_seconds=60, reset_seconds=41)}
    spending = Spending(spent_usd=0.0421, daily_usd=10.0, ends_at=datetime(2026, 1, 2, tzinfo=UTC))
    return LimitsNow(rates=rates, budget=spending)


def _avatars() -> AvatarList:
    avatar = next(iter(avatars().values()))
    return AvatarList(avatars=[AvatarSummary(**avatar.model_dump(), picture="data:image/webp;base64,UklGRg==")])


def _health() -> Health:
    parts = {name: Part(status="ok", milliseconds=12.5) for name in ("table", "bucket", "queue", "endpoint")}
    return Health(status="ok", checked_at=CREATED_AT, parts=parts)


def _config() -> PublicConfig:
    kind = KindSummary(
        kind=Kind.UPSCALE,
        description="Enlarge a picture.",
        engines=list(Engine),
        ignored_params={Engine.MODELS: [], Engine.PREVIEW: ["content"]},
        makes_video=False,
    )
    return PublicConfig(
        socket_url="wss://abc.execute-api.eu-west-1.amazonaws.com/live",
        region="eu-west-1",
        issuer="https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc",
        client_id="1example23456789",
        limits=Limits(upload_seconds=900),
        kinds=[kind],
    )


def _services() -> Services:
    report = InstanceReport(
        instance_id="i-0123456789",
        reported_at=CREATED_AT,
        device="NVIDIA A10G",
        jobs=1,
        networks=[LoadedModel(name="sam2", megabytes=310.0, on_device=True)],
        vram_used_mb=9120.0,
        vram_total_mb=23028.0,
    )
    return Services(
        checked_at=CREATED_AT,
        endpoint=EndpointStatus(status="InService", instances=1),
        previews=PreviewsStatus(status="Active"),
        backlog=Backlog(messages=0, dispatched=0, running=1),
        instances=[report],
    )


def _statistics() -> Statistics:
    states, seconds = {State.COMPLETED: 41, State.FAILED: 1}, Durations(count=41, p50=2.1, p95=3.4)
    engine = EngineStatistics(states=states, cost_usd=0.012, seconds=seconds, stages={"layout": seconds})
    common = {"states": states, "cached": 0, "success_rate": 0.9762, "cost_usd": 0.012}
    kind = KindStatistics(seconds=seconds, engines={"preview": engine}, **common)
    return Statistics(date=date(2026, 1, 1), at=ENDED_AT, kinds={"restyle_room": kind}, **common)


def _cache_stats() -> CacheStats:
    counters = {"hits": 3, "misses": 39, "stores": 38, "saved_usd": 0.001, "saved_seconds": 6.3}
    day = CacheDay(date="2026-01-01", **counters)
    return CacheStats(cache_days=7, valid_from=None, hit_rate=0.0714, days=[day], **counters)


def add_examples(document: dict[str, Any]) -> None:
    """Add the examples to the operations of an OpenAPI document."""
    by_operation = answers()
    for item in document["paths"].values():
        for operation in item.values():
            name = operation["operationId"]
            if name in REQUESTS:
                operation["requestBody"]["content"][JSON]["examples"] = {
                    each: {"summary": summary, "value": value} for each, (summary, value) in REQUESTS[name].items()
                }
            for status, response in operation["responses"].items():
                content = response["content"]
                if int(status) < HTTPStatus.BAD_REQUEST:
                    content[JSON]["examples"] = _example(by_operation[name][int(status)])
                    continue
                content[CONTENT_TYPE]["examples"] = _example(problem_answer(int(status)))
                if JSON in content:
                    content[JSON]["examples"] = {"gateway": {"value": {"message": "Unauthorized"}}}


def _example(body: BaseModel) -> dict[str, Any]:
    return {"answer": {"value": body.model_dump(mode="json", exclude_none=isinstance(body, Problem))}}
