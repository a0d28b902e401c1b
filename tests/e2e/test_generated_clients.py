"""Clients generated from the OpenAPI document get a picture made on the deployed stack."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from infra.local.stack import LocalStack
from tests.clients.generated import PythonClient, TypescriptClient

PHOTO = Path(__file__).parents[1] / "data" / "living_room.jpg"


@pytest.mark.parametrize("generator", [TypescriptClient, PythonClient])
def test_a_generated_client_gets_a_picture_made(stack: LocalStack, tmp_path: Path, generator: Any) -> None:
    job = generator(tmp_path).make_picture(stack.endpoint, stack.token_for("generated"), PHOTO)
    assert job["state"] == "completed", job["error"]
    picture = job["result"]["pictures"][0]
    assert httpx2.get(picture["url"]).content[:3] == b"\xff\xd8\xff"
