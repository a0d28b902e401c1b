"""Settings of the functions: what a deployment gets that sets nothing more than is required, and the ranges."""

from typing import Any

import pytest
from pydantic import ValidationError

from cloud.lane import Lane
from cloud.settings import EnvironmentSettings
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from handlers.settings.retry import RetrySettings
from tests.handlers.settings_classes import SETTINGS

PRICES = {"instance_usd_per_hour": 0.7364, "cpu_usd_per_hour": 0.141}
RETRY = {
    "retry_delay_seconds": 5,
    "queue_seconds": 120,
    "queue_limit_seconds": 21_600,
    "invocation_seconds": 900,
    "video_seconds": 3600,
    "cpu_seconds": 885,
    **PRICES,
}
USUAL: dict[str, dict[str, Any]] = {
    "JobsSettings": {},
    "RetrySettings": RETRY,
    "ApiSettings": {
        "default_engine": Engine.PREVIEW,
        "rate_limits": {},
        "owner_daily_usd": 10.0,
        **PRICES,
        "invocation_seconds": 900,
        "video_seconds": 3600,
        "cpu_seconds": 885,
        "preview_on": "lambda",
        "cpu_function": "",
        "cache_days": 7,
        "queue_seconds": 120,
        "bedrock_model": "",
        "aws_region": "us-east-1",
        "upload_seconds": 900,
        "result_seconds": 3600,
        "retention_days": 30,
    },
    "UploadedSettings": {"cache_days": 7, "queue_seconds": 120},
    "DispatchSettings": {
        **RETRY,
        "look_seconds": 15,
        "invocation_ttl_seconds": 3600,
        "preview_on": "lambda",
        "cpu_function": "",
        "cpu_event_seconds": 300,
        "drafts": True,
    },
    "FinishedSettings": {**RETRY, "cache_days": 7},
    "EndedSettings": PRICES,
    "SweepSettings": RETRY,
    "GuardSettings": {"max_instances": 4, "instance_usd_per_hour": 0.7364, "stop_usd": 100.0},
    "SocketSettings": {"result_seconds": 3600},
    "PushSettings": {"result_seconds": 3600},
    "AuthorizeSettings": {},
}


def read(name: str, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> EnvironmentSettings:
    """The settings of a function whose environment has what is required, and ``changes``."""
    for region in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(region, raising=False)
    function = SETTINGS[name]
    required = {name: "given" for name, field in function.model_fields.items() if field.is_required()}
    for variable, value in function.environment(**(required | changes)).items():
        monkeypatch.setenv(variable, value)
    return function.read()


@pytest.mark.parametrize("name", USUAL)
def test_a_function_that_is_told_only_what_is_required_has_the_documented_values(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {key: value for key, value in read(name, monkeypatch).model_dump().items() if value != "given"}
    assert found == USUAL[name]


@pytest.mark.parametrize(
    ("function", "name", "accepted", "rejected"),
    [
        ("RetrySettings", "retry_delay_seconds", (0, 300), (-1, 301)),
        ("RetrySettings", "queue_seconds", (1,), (0,)),
        ("RetrySettings", "queue_limit_seconds", (1,), (0,)),
        ("RetrySettings", "invocation_seconds", (1, 3600), (0, 3601)),
        ("RetrySettings", "video_seconds", (1, 3600), (0, 3601)),
        ("RetrySettings", "instance_usd_per_hour", (0,), (-0.1,)),
        ("RetrySettings", "cpu_seconds", (1, 900), (0, 901)),
        ("RetrySettings", "cpu_usd_per_hour", (0,), (-0.1,)),
        ("ApiSettings", "owner_daily_usd", (0,), (-0.1,)),
        ("ApiSettings", "instance_usd_per_hour", (0,), (-0.1,)),
        ("ApiSettings", "cache_days", (0,), (-1,)),
        ("ApiSettings", "queue_seconds", (1,), (0,)),
        ("ApiSettings", "upload_seconds", (60, 3600), (59, 3601)),
        ("ApiSettings", "result_seconds", (60, 43_200), (59, 43_201)),
        ("ApiSettings", "retention_days", (1,), (0,)),
        ("UploadedSettings", "cache_days", (0,), (-1,)),
        ("UploadedSettings", "queue_seconds", (1,), (0,)),
        ("DispatchSettings", "look_seconds", (0,), (-1,)),
        ("DispatchSettings", "invocation_ttl_seconds", (60, 21_600), (59, 21_601)),
        ("DispatchSettings", "cpu_event_seconds", (60, 21_600), (59, 21_601)),
        ("FinishedSettings", "cache_days", (0,), (-1,)),
        ("GuardSettings", "max_instances", (1,), (0,)),
        ("GuardSettings", "instance_usd_per_hour", (0,), (-0.1,)),
        ("GuardSettings", "stop_usd", (0.01,), (0,)),
        ("SocketSettings", "result_seconds", (60, 43_200), (59, 43_201)),
        ("PushSettings", "result_seconds", (60, 43_200), (59, 43_201)),
    ],
)
def test_the_first_value_out_of_range_is_rejected(
    function: str,
    name: str,
    accepted: tuple[float, ...],
    rejected: tuple[float, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for value in accepted:
        assert getattr(read(function, monkeypatch, **{name: value}), name) == value
    for value in rejected:
        with pytest.raises(ValidationError, match=name):
            read(function, monkeypatch, **{name: value})


def test_the_time_limit_is_that_of_the_kind() -> None:
    given = RetrySettings(
        jobs_table="j", queue_url="q", dead_letter_queue_url="d", invocation_seconds=60, video_seconds=600
    )
    limits = {kind: given.time_limit(kind) for kind in ("upscale", "render_video", "render_scenes", None)}  # type: ignore[arg-type]
    assert limits == {"upscale": 60, "render_video": 600, "render_scenes": 600, None: 60}


def test_the_time_limit_on_the_cpu_lane_is_at_most_that_of_its_function() -> None:
    given = RetrySettings(jobs_table="j", queue_url="q", dead_letter_queue_url="d", invocation_seconds=60)
    kinds = (Kind.UPSCALE, Kind.RENDER_VIDEO, None)
    assert [given.time_limit(kind, Lane.CPU) for kind in kinds] == [60, 885, 60]
    assert [given.time_limit(kind, Lane.GPU) for kind in kinds] == [60, 3600, 60]
