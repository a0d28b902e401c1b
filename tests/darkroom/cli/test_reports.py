"""Service reports, from client and command: statistics, instances, the cache, prompts, styles."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from darkroom import Client, ProblemError
from darkroom.cli import app
from darkroom.contract.picture_styles import picture_styles
from tests.darkroom.fake_service import TOKEN, Service

DURATIONS = {"count": 3, "p50": 1.25, "p95": 2.5}
STATS: dict[str, Any] = {
    "date": "2025-06-01",
    "at": "2025-06-01T12:00:00Z",
    "states": {"completed": 3, "failed": 1, "queued": 2, "running": 1},
    "cached": 1,
    "success_rate": 0.75,
    "cost_usd": 0.0123,
    "kinds": {
        "upscale": {
            "states": {"completed": 3, "failed": 1, "queued": 2, "running": 1},
            "cached": 1,
            "success_rate": 0.75,
            "cost_usd": 0.0123,
            "seconds": DURATIONS,
            "engines": {
                "preview": {
                    "states": {"completed": 3, "failed": 1},
                    "cost_usd": 0.0123,
                    "seconds": DURATIONS,
                    "stages": {"enlarge": {"count": 3, "p50": 0.5, "p95": 0.75}},
                }
            },
        }
    },
}
SERVICES: dict[str, Any] = {
    "checked_at": "2025-06-01T12:00:00Z",
    "endpoint": {"status": "InService", "instances": 1},
    "backlog": None,
    "instances": [
        {
            "instance_id": "i-1",
            "reported_at": "2025-06-01T12:00:00Z",
            "device": "Tesla T4",
            "jobs": 1,
            "networks": [{"name": "sd15", "megabytes": 2100.0, "on_device": False}],
            "vram_used_mb": 4000.0,
            "vram_total_mb": 15360.0,
        }
    ],
    "reasons": {"backlog": "The queue does not answer."},
}
LIMITS: dict[str, Any] = {
    "rates": {
        "upscale": {"limit": 5, "remaining": 3, "window_seconds": 60, "reset_seconds": 41},
        "prompts": {"limit": 20, "remaining": 20, "window_seconds": 60, "reset_seconds": 60},
    },
    "budget": {"spent_usd": 0.0123, "daily_usd": 10.0, "ends_at": "2025-06-02T00:00:00Z"},
}
CACHE: dict[str, Any] = {
    "cache_days": 7,
    "valid_from": None,
    "hits": 3,
    "misses": 1,
    "hit_rate": 0.75,
    "stores": 1,
    "saved_usd": 0.02,
    "saved_seconds": 12.5,
    "days": [{"date": "2025-06-01", "hits": 3, "misses": 1, "stores": 1, "saved_usd": 0.02, "saved_seconds": 12.5}],
}


@pytest.fixture(autouse=True)
def signed_in(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_ENDPOINT", service.url)
    monkeypatch.setenv("DARKROOM_TOKEN", TOKEN)


def darkroom(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_stats_prints_a_days_statistics(service: Service, client: Client) -> None:
    service.reports["GET /stats"] = STATS
    assert client.stats("2025-06-01").kinds["upscale"].engines["preview"].stages["enlarge"].p95 == 0.75
    result = darkroom("stats", "--date", "2025-06-01", "--stages")
    assert result.exit_code == 0, result.output
    head, kind, engine, stage, total = (line.split() for line in result.stdout.splitlines())
    assert head[:2] == ["kind", "engine"]
    assert kind == ["upscale", *["3", "1", "0", "0", "3", "1", "75%", "1.25", "s", "2.50", "s", "$0.0123"]]
    assert engine[0] == "preview"
    assert stage == ["enlarge", "0.50", "s", "0.75", "s"]
    assert total == ["all", *["3", "1", "0", "0", "3", "1", "75%", "$0.0123"]]
    assert json.loads(darkroom("stats", "--json").stdout)["kinds"].keys() == {"upscale"}
    assert darkroom("stats", "--date", "yesterday").exit_code == 2


def test_statistics_are_forbidden_to_others_than_administrators(client: Client) -> None:
    with pytest.raises(ProblemError, match="For administrators"):
        client.stats()
    result = darkroom("stats")
    assert (result.exit_code, result.stderr) == (1, "darkroom: forbidden: For administrators.\n")


def test_services_prints_each_component_and_those_that_do_not_respond(service: Service) -> None:
    service.reports["GET /services"] = SERVICES
    result = darkroom("services")
    assert result.exit_code == 0, result.output
    assert "endpoint   InService, 1 instance\n" in result.stdout
    assert "backlog    unknown: The queue does not answer.\n" in result.stdout
    assert "Tesla T4" in result.stdout
    assert "4000 of 15360 MB" in result.stdout
    assert "sd15 2100 MB (host)" in result.stdout
    assert json.loads(darkroom("services", "--json").stdout)["backlog"] is None


def test_limits_prints_rate_limits_and_budget(service: Service, client: Client) -> None:
    service.reports["GET /limits"] = LIMITS
    assert client.limits().rates["upscale"].remaining == 3
    result = darkroom("limits")
    assert result.exit_code == 0, result.output
    _, upscale, prompts, budget = (line.split() for line in result.stdout.splitlines())
    assert upscale == ["upscale", "3", "5", "60", "s", "41", "s"]
    assert prompts == ["prompts", "20", "20", "60", "s", "–"]
    assert budget[:5] == ["budget", "$0.0123", "of", "$10.0000", "a"]
    service.reports["GET /limits"] = {**LIMITS, "budget": {**LIMITS["budget"], "daily_usd": None}}
    assert "$0.0123 a day has no limit" in darkroom("limits").stdout
    assert json.loads(darkroom("limits", "--json").stdout)["budget"]["daily_usd"] is None


def test_cache_commands_print_statistics_and_clear(service: Service) -> None:
    service.reports["GET /cache/stats"] = CACHE
    shown = darkroom("cache", "stats")
    assert shown.exit_code == 0, shown.output
    _, day, total = (line.split() for line in shown.stdout.splitlines())
    assert day == ["2025-06-01", *["3", "1", "1", "$0.0200", "12.5", "s"]]
    assert total == ["all", *["3", "1", "1", "$0.0200", "12.5", "s"]]
    assert "75% of lookups were hits" in shown.stderr
    service.reports["DELETE /cache"] = {"valid_from": "2025-06-01T12:00:00Z", "moved": True}
    cleared = darkroom("cache", "clear", "--older-than", "7")
    assert cleared.stdout.startswith("results from before 2025-0")
    assert darkroom("cache", "clear", "--older-than", "-1").exit_code == 2


def test_enhance_prints_only_the_prompt_to_stdout(service: Service) -> None:
    answer = {"prompt": "a red fox, soft light", "original": "a red fox", "by": "rules", "model": None}
    service.reports["POST /prompts/enhance"] = {**answer, "note": "No model is configured."}
    result = darkroom("enhance", "a red fox", "--kind", "inpaint")
    assert result.stdout == "a red fox, soft light\n"
    assert result.stderr == "by rules\nnote: No model is configured.\n"
    assert service.requests[-1][3] == {"prompt": "a red fox", "kind": "inpaint"}


def test_each_kind_has_its_own_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = darkroom("styles", "--kind", "generate").stdout
    assert "neon" in shown
    assert "palette" not in shown
    assert "modern" in darkroom("styles").stdout
    assert darkroom("styles", "--kind", "upscale").exit_code == 2
    monkeypatch.delenv("DARKROOM_ENDPOINT")
    offline = json.loads(darkroom("styles", "--kind", "generate", "--json").stdout)
    assert [each["name"] for each in offline] == list(picture_styles())


def test_avatars_prints_the_portraits(service: Service, client: Client) -> None:
    portrait = {"name": "amara", "title": "Amara", "description": "", "licence": "Apache-2.0", "picture": "data:,"}
    service.reports["GET /avatars"] = {"avatars": [portrait]}
    assert [each.name for each in client.avatars()] == ["amara"]
