"""Fixtures of the recording: the functions on moto with a fixed clock, for every scenario."""

from collections.abc import Callable

import pytest
from mypy_boto3_s3 import S3Client

from tests.handlers.conftest import (
    assets_table,
    aws,
    bucket,
    environment,
    ledger,
    queues,
    sockets_table,
    store,
)
from tests.handlers.queues import Queues
from tests.recorded import fake_deployment, fixed
from tests.recorded.fake_deployment import FakeDeployment, OutcomeOf

__all__ = ["assets_table", "aws", "bucket", "environment", "ledger", "queues", "sockets_table", "store"]


@pytest.fixture
def make_deployment(
    environment: None,
    monkeypatch: pytest.MonkeyPatch,
    bucket: S3Client,
    queues: Queues,
) -> Callable[[OutcomeOf], FakeDeployment]:
    """Factory of the deployment of a scenario."""
    monkeypatch.setenv("VARIANT_NAME", "gpu")
    monkeypatch.setenv("RATE_LIMITS", '{"upscale": "7/60"}')
    clock = fixed.fix(monkeypatch)
    return lambda outcome_of: fake_deployment.make(monkeypatch, clock, bucket, queues, outcome_of)
