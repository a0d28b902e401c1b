"""Long jobs: the largest of each kind that the contract allows, and videos of as many scenes as there may be."""

import json
from datetime import UTC, datetime
from typing import Any

from cloud.dynamodb.job_record import JobRecord, StoredUpload
from darkroom.contract.engine import Engine
from darkroom.contract.errors import MAX_MESSAGE_CHARACTERS, ErrorCode, ErrorDetail
from darkroom.contract.jobs import State
from darkroom.contract.kinds import Kind
from darkroom.contract.requests import params_model, upload_roles
from darkroom.contract.results import (
    FoundObject,
    ModelUsed,
    Picture,
    PreviewPicture,
    Result,
    StageTime,
    SubtitleFile,
    Video,
)
from darkroom.contract.video_params import MAX_SCENES, MAX_SCRIPTS_CHARACTERS

LINK = "https://bucket.s3.us-east-1.amazonaws.com/"
JOB_ID = "4f1c" * 8
NOW = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
# A character of six bytes in JSON, and one of three: the widest that there is, and Japanese.
WIDEST, JAPANESE = "\x01", "\u3042"


def presign(key: str) -> str:
    """A link of 1.4 kB, as a role's session makes it."""
    return f"{LINK}{key}?X-Amz-Security-Token=".ljust(1_400, "x")


def longest(schema: Any, whole: Any, character: str) -> Any:
    """The longest value that a JSON schema allows, texts filled with a character."""
    if "$ref" in schema:
        return longest(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole, character)
    for name in ("anyOf", "oneOf"):
        if name in schema:
            values = [longest(each, whole, character) for each in schema[name]]
            return max(values, key=lambda value: len(json.dumps(value)))
    if "enum" in schema:
        return max(schema["enum"], key=lambda value: len(str(value)))
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "object":
            return {name: longest(each, whole, character) for name, each in schema["properties"].items()}
        case "array":
            items = schema.get("prefixItems") or [schema["items"]] * schema["maxItems"]
            return [longest(each, whole, character) for each in items]
        case "string":
            return "role_of_thirty_two_characters_00" if "pattern" in schema else character * schema["maxLength"]
        case "integer" | "number":
            return 0.12345678901234567
        case kind:
            return {"boolean": False, "null": None}[kind]


def largest_job(kind: Kind, character: str = WIDEST) -> JobRecord:
    """The longest completed job of a kind that its contract allows, and longer."""
    schema = params_model(kind).model_json_schema()
    roles = [*upload_roles(kind), *(f"role_of_thirty_characters_{number:02}" for number in range(2 * MAX_SCENES))]
    upload = StoredUpload(
        content_type="image/jpeg", size=10**7, sha256="0" * 64, received=True, width=7_000, height=7_000, etag="e"
    )
    file: dict[str, Any] = {"content_type": "image/jpeg", "size": 10**7, "sha256": "0" * 64}
    pictures = [
        Picture(name=f"{name}-{number}", key=f"results/{JOB_ID}/{name}-{number}.jpg", width=7_000, height=7_000, **file)
        for name in ("result", "thumbnail", "poster")
        for number in range(1, 5)
    ]
    video = Video(
        **pictures[0].model_dump() | {"seconds": 600.1234, "frames": 15_000, "frames_per_second": 29.970029970029973}
    )
    subtitles = [
        SubtitleFile(
            name=format_, key=f"results/{JOB_ID}/result.{format_}", format=format_, language="en", cues=999, **file
        )
        for format_ in ("srt", "vtt")
    ]
    corner = (6_999.5, 6_999.5)
    found = [
        FoundObject(label="potted plant", box=(*corner, *corner), score=0.1234, area=0.1234, outlines=[[corner] * 48])
        for _ in range(40)
    ]
    return JobRecord(
        job_id=JOB_ID,
        kind=kind,
        state=State.COMPLETED,
        seq=10**6,
        message=character * MAX_MESSAGE_CHARACTERS,
        engine=Engine.MODELS,
        params=longest(schema, schema, character),
        uploads=dict.fromkeys(roles, upload),
        preview=PreviewPicture(key=f"previews/{JOB_ID}/1/00001.jpg", width=768, height=768),
        result=Result(
            pictures=pictures,
            videos=[video],
            subtitles=subtitles,
            engine=Engine.MODELS,
            objects=found,
            notes=[character * 200] * 2 * MAX_SCENES,
            models=[ModelUsed(id="model/" * 9, revision="0" * 40)] * 30,
        ),
        error=ErrorDetail(code=ErrorCode.INTERNAL, message=character * MAX_MESSAGE_CHARACTERS),
        timeline=[StageTime(stage="a_stage_of_a_scene", seconds=1.23456789)] * 100,
        created_at=NOW,
        updated_at=NOW,
        owner="owner-1",
        request_digest="0",
        expires_at=1,
    )


def scenes_job(script: str) -> JobRecord:
    """A finished video of as many scenes as there may be, each with a picture and a voice of its own."""
    record = largest_job(Kind.RENDER_SCENES, "x")
    assert record.result is not None
    each = script[: MAX_SCRIPTS_CHARACTERS // MAX_SCENES]
    scenes = [{"type": "avatar", "avatar": f"portrait_{number}", "script": each} for number in range(MAX_SCENES)]
    result = record.result.model_copy(update={"pictures": record.result.pictures[:2], "objects": [], "notes": []})
    return record.model_copy(
        update={
            "params": {"scenes": scenes},
            "message": "",
            "error": None,
            "preview": record.preview,
            "timeline": [],
            "result": result.model_copy(update={"models": []}),
        }
    )
