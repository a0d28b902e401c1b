"""Fixtures of the end-to-end tests: one local stack, deployed from the CDK app with IAM enforced, for all scenarios."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.lane import PreviewOn
from infra.local.stack import LocalStack
from tests.e2e.caller import Caller
from tests.unlimited import UNLIMITED, WEB_ORIGIN


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Iterator[LocalStack]:
    context = {
        **UNLIMITED,
        "weights": tiny_weights,
        "device": "cpu",
        "long_side": 128,
        "origins": WEB_ORIGIN,
        "min_instances": 1,
    }
    with LocalStack(tmp_path_factory.mktemp("stack"), context=context, keep=False) as stack:
        yield stack


@pytest.fixture
def on_the_endpoint(stack: LocalStack) -> Iterator[None]:
    """Run previews on the endpoint: its jobs are a matter of seconds there, and it fails as a GPU's does."""
    with stack.previews_on(PreviewOn.ENDPOINT):
        yield


@pytest.fixture(scope="session")
def sample() -> bytes:
    return (Path(__file__).parents[1] / "data" / "living_room.jpg").read_bytes()


@pytest.fixture(scope="session")
def caller(stack: LocalStack) -> Caller:
    return Caller(stack.endpoint, stack.socket, stack.token_for("caller"))


@pytest.fixture(scope="session")
def other(stack: LocalStack) -> Caller:
    return Caller(stack.endpoint, stack.socket, stack.token_for("other"))
