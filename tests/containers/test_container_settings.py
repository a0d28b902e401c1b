"""Container settings: what a deployment gets that sets nothing, and which values are rejected."""

from typing import Any

import pytest
from pydantic import ValidationError

from containers.worker.settings import Settings
from darkroom.contract.engine import Engine
from darkroom.contract.uploads import MAX_AUDIO_BYTES

REQUIRED = {"jobs_table": "jobs", "ledger_table": "ledger", "bucket": "pictures"}


def settings(**changes: Any) -> Settings:
    return Settings.model_validate(REQUIRED | changes)


def test_a_container_that_is_told_only_its_tables_and_bucket_runs_with_the_documented_values() -> None:
    usual = settings().model_dump(exclude={"weights", *REQUIRED})
    assert usual == {
        "host": "0.0.0.0",  # noqa: S104 - SageMaker calls from outside the container
        "port": 8080,  # SageMaker's
        "invocations_token": None,
        "run_as": None,
        "concurrency": 2,
        "stages": "default",
        "device": "auto",
        "vram_budget_mb": None,
        "host_budget_mb": None,
        "long_side": None,
        "models": {},
        "accept_research_licence": False,
        "speech": "espeak",
        "cache_mb": 512,
        "preload": (),
        "max_upload_bytes": MAX_AUDIO_BYTES,
        "max_part_bytes": 2_000_000_000,
        "progress_seconds": 0.2,
        "video_progress_seconds": 1.0,
        "heartbeat_seconds": 1.0,
        "drain_seconds": 20.0,  # SageMaker sends SIGKILL after 30
        "max_video_seconds": 600.0,  # the contract's longest
        "reported_engines": tuple(Engine),
        "log_level": "INFO",
    }


@pytest.mark.parametrize(
    ("name", "accepted", "rejected"),
    [
        ("port", (1, 65535), (0, 65536)),
        ("concurrency", (1, 64), (0, 65)),
        ("vram_budget_mb", (1,), (0,)),
        ("host_budget_mb", (0,), (-1,)),
        ("long_side", (64, 768), (56, 100, 65)),
        ("cache_mb", (0,), (-1,)),
        ("max_upload_bytes", (1,), (0,)),
        ("max_part_bytes", (1,), (0,)),
        ("progress_seconds", (0.01,), (0,)),
        ("video_progress_seconds", (0.01,), (0,)),
        ("heartbeat_seconds", (0.01,), (0,)),
        ("drain_seconds", (0,), (-1,)),
    ],
)
def test_the_first_value_out_of_range_is_rejected(
    name: str, accepted: tuple[float, ...], rejected: tuple[float, ...]
) -> None:
    for value in accepted:
        assert getattr(settings(**{name: value}), name) == value
    for value in rejected:
        with pytest.raises(ValidationError, match=name):
            settings(**{name: value})


def test_the_environment_is_read_and_an_unknown_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("PRELOAD", '["upscale"]')
    monkeypatch.setenv("MODELS", '{"detector": "rt-detr-r18"}')
    read = Settings.read()
    assert (read.jobs_table, read.preload, read.models) == ("jobs", ("upscale",), {"detector": "rt-detr-r18"})
    monkeypatch.setenv("MODELS", '{"detector": "nobody"}')
    with pytest.raises(ValidationError, match="models"):
        Settings.read()


def test_settings_do_not_change_while_the_container_runs() -> None:
    given = settings()
    with pytest.raises(ValidationError, match="frozen"):
        given.port = 1  # type: ignore[misc]
