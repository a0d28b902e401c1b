"""Outcomes of restyling by the models engine, and the objects in the bucket."""

import io
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
from PIL import Image

from darkroom.contract.engine import Engine
from tests.containers.conftest import BUCKET, PARAMS, invoke

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


CACHED_STAGES = ("detect", "segment", "classify", "depth", "edges")


async def restyle(client: httpx2.AsyncClient, **params: Any) -> dict[str, Any]:
    return await invoke(client, engine=Engine.MODELS, params={**PARAMS, "steps": 3, "format": "png", **params})


def picture(s3: "S3Client", outcome: dict[str, Any]) -> np.ndarray:
    assert outcome["status"] == "completed", outcome
    result = next(each for each in outcome["result"]["pictures"] if each["name"] == "result")
    with Image.open(io.BytesIO(s3.get_object(Bucket=BUCKET, Key=result["key"])["Body"].read())) as image:
        return np.asarray(image.convert("RGB"))


def stages(outcome: dict[str, Any]) -> list[str]:
    return [time["stage"] for time in outcome["timeline"]]


def progress_image_keys(s3: "S3Client") -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix="previews/").get("Contents", [])]
