"""Fixtures of the fetch tests: a hub in this process, and an empty weight store."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from pipeline.weights import fetch as fetch_module
from pipeline.weights.store import WeightStore
from tests.pipeline.weights.hub import Hub
from tests.pipeline.weights.tiny_model import CONFIG, WEIGHTS


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    import_module("huggingface_hub")  # without it the test is skipped
    files = {"someone/tiny": {"config.json": CONFIG, "unet/model.safetensors": WEIGHTS, "other.bin": b"x" * 999}}
    with Hub(files).running() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(fetch_module, "RETRY_SECONDS", 0)
        yield hub


@pytest.fixture
def weight_store(tmp_path: Path) -> WeightStore:
    return WeightStore(tmp_path / "weights")
