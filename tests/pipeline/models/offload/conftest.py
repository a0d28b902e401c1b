"""Fixtures of the offload tests: fake networks, and weights for them."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.weights.catalog import catalog
from pipeline.weights.store import WeightStore

if TYPE_CHECKING:
    from tests.pipeline.models.offload.fake_networks import History


@pytest.fixture
def history() -> Iterator["History"]:
    # A conftest that needs the models engine would abort pytest without it.
    from tests.pipeline.models.offload.fake_networks import History  # noqa: PLC0415

    module = History()
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


@pytest.fixture
def weight_store(tmp_path: Path) -> WeightStore:
    weight_store = WeightStore(tmp_path)
    for model in catalog().values():
        for path in model.files:
            file = tmp_path / model.id / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(f"{model.id} {path}".encode())
        weight_store.record(model, "r1")
    return weight_store
