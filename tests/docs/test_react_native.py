"""React Native example, run by Node against stand-ins of React Native's ``fetch`` and ``FormData``."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT

NODE = Path(sys.prefix, "bin", "node")
EXAMPLE = ROOT / "docs" / "examples" / "react-native.ts"


def run(outcome: str) -> dict[str, Any]:
    """Return the example's result, and the calls that it made."""
    if not NODE.exists():
        pytest.skip("there is no Node in the virtual environment")
    script = Path(__file__).with_name("react_native.mjs")
    command = [NODE, "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", script, EXAMPLE.as_uri(), outcome]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found


def test_the_example_uploads_the_photo_and_returns_the_pictures_link() -> None:
    found = run("completed")
    assert found["result"] == "https://bucket.example/result.jpg"
    create, upload, *polls = found["calls"]
    assert (create["method"], create["url"]) == ("POST", "https://api.example/jobs")
    assert json.loads(create["body"])["uploads"] == {"photo": {"content_type": "image/jpeg"}}
    assert create["headers"]["Idempotency-Key"]
    assert [name for name, _ in upload["body"]] == ["key", "Content-Type", "policy", "file"]
    assert upload["body"][-1][1] == {"uri": "file:///photo.jpg", "type": "image/jpeg", "name": "photo"}
    assert upload["headers"] == {}
    assert [poll["url"] for poll in polls] == ["https://api.example/jobs/job-1"] * 2
    assert {call["headers"].get("Authorization") for call in (create, *polls)} == {"Bearer token-1"}


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("failed", "There is no face."),
        ("refused", "The upload was refused: HTTP 403"),
        ("invalid", "invalid_request: No such style."),
    ],
)
def test_the_example_reports_errors(outcome: str, words: str) -> None:
    assert run(outcome)["result"] == {"error": words}
