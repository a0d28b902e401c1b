"""Suspension of scaling in: auto scaling takes no instance away while one of them makes a video."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloud import clients
from handlers import guard
from handlers.endpoint.running_videos import RunningVideoStore
from tests.handlers.conftest import SOCKETS
from tests.handlers.gpu_endpoint import ENDPOINT, MINUTES, NOON, Endpoint

pytestmark = pytest.mark.usefixtures("sockets_table")


@pytest.fixture
def videos() -> RunningVideoStore:
    """The attempts that make a video."""
    return RunningVideoStore(SOCKETS, ENDPOINT, clients.dynamodb())


def test_scaling_in_is_suspended_until_the_last_video_has_ended(
    endpoint: Endpoint, check: Any, videos: RunningVideoStore
) -> None:
    endpoint.deploy(2, max_instances=3)
    check(NOON)
    assert not endpoint.scale_in_suspended
    for attempt in ("one-1", "one-1", "two-1"):  # a message may be received twice
        videos.add(attempt, (NOON + timedelta(hours=2)).timestamp())
    check(NOON + 5 * MINUTES)
    assert (endpoint.scale_in_suspended, endpoint.limits) == (True, (0, 3))
    videos.remove("one-1")
    check(NOON + 10 * MINUTES)
    assert endpoint.scale_in_suspended
    for _ in range(2):
        videos.remove("two-1")
    check(NOON + 15 * MINUTES)
    assert (endpoint.scale_in_suspended, endpoint.limits) == (False, (0, 3))


def test_a_suspension_ends_at_the_deadline_of_a_video_whose_end_nobody_told(
    endpoint: Endpoint, check: Any, videos: RunningVideoStore
) -> None:
    endpoint.deploy(1)
    videos.add("lost-1", (NOON + 7 * MINUTES).timestamp())
    check(NOON + 5 * MINUTES)
    assert endpoint.scale_in_suspended
    check(NOON + 10 * MINUTES)
    assert not endpoint.scale_in_suspended


def test_the_daily_limit_ends_a_suspension(endpoint: Endpoint, check: Any, videos: RunningVideoStore) -> None:
    endpoint.deploy(4)
    videos.add("long-1", (NOON + timedelta(hours=2)).timestamp())
    check(NOON)
    assert endpoint.scale_in_suspended
    check(NOON + 20 * MINUTES)
    assert (endpoint.scale_in_suspended, endpoint.limits) == (False, (0, 0))


def test_a_rejected_end_of_a_suspension_is_retried(
    endpoint: Endpoint, check: Any, videos: RunningVideoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.deploy(1)
    videos.add("short-1", (NOON + MINUTES).timestamp())
    check(NOON)
    refused = ClientError({"Error": {"Code": "ConcurrentUpdateException", "Message": "busy"}}, "RegisterScalableTarget")

    def refuse(**_: Any) -> None:
        raise refused

    with monkeypatch.context() as patch, pytest.raises(ClientError, match="busy"):
        patch.setattr(guard._guard()._scaling, "register_scalable_target", refuse)
        check(NOON + 5 * MINUTES)
    check(NOON + 10 * MINUTES)
    assert not endpoint.scale_in_suspended
