"""Today's functions with a container of 0.1.0: jobs go through the same states, rows, messages and answers."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.recorded import files, scenarios, today
from tests.recorded.fake_deployment import FakeDeployment, OutcomeOf
from tests.recorded.files import Files

# Recorded by other means than the scenarios.
ELSEWHERE = ("api/openapi", "outcomes/http_answers")
# Differences that a later version makes on purpose, by its line.
INTENDED = tuple(
    re.compile(line)
    for line in (
        # After 0.1.0, an attempt that crashes or times out costs its wall time. So do these jobs, and the day's sums.
        r"(api|events|rows)/(jobs/)?failures: (failures:)?(endpoint|given_up|retry):\S+\.cost_usd(\.N)?: .*",
        r"api/service/limits: get\.answer\.body\.budget\.spent_usd: .*",
        r"api/service/stats: get\.answer\.body\.(kinds\.upscale\.(engines\.preview\.)?)?cost_usd: .*",
        r"rows/ledger/budget: rows\[0\]\.reserved_or_spent\.N: .*",
        r"rows/ledger/day: rows\[14\]\.micro_usd\.N: .*",
        # After 0.2.0, recordings have no link, as they keep their metadata.
        r".*\.uploads\.(music|voice_track)\.url: null, recorded was .*",
        # A queued job has no running attempt, so that cancelling it pays for none.
        r"rows/jobs/failures: (\S+:tried_again|retry:queued)\.started_at is gone .*",
        # After 0.2.0, the container's input is the body of the call, in place of an object.
        r"invocations/\S+: \S+\.call\.InputLocation is gone .*",
        r"notices/\S+: \S+\.requestParameters\.inputLocation is gone .*",
        # After 0.2.0, the digest of every picture is known when it was read, not of those below 64 KiB alone.
        r'.*\.uploads\.\w+\.sha256: "[0-9a-f]{64}", recorded was null',
        # After 0.2.0, rows lack what every version reads as empty, zero or false.
        r"rows/jobs/.*\.(allow_preview|cached|copied_from|timeline|use_cache) is gone \(was .*(false|\[\]|\{\}).*",
        # After 0.2.0, a miss is counted when its job is completed, not by each lookup.
        r"(api/service/cache|rows/ledger/cache_counters): .*(misses|hit_rate|expires_at).*",
        # After 0.2.0, a job's row has its subscriptions.
        r"rows/sockets: subscription(:after_seq)? has 0 entries, 1 were recorded",
        # After 0.2.0, params name the voice of a script, where the container chose it.
        r'.*\.params\.(scenes\[\d+\]\.)?voice: "\w+", recorded was null',
        r"rows/jobs/.*\.params\.M\.(scenes\.L\[\d+\]\.M\.)?voice\.NULL is gone \(was true\)",
        # So a video's key in the result cache is another one.
        r"rows/ledger/cache_results: rows has 3 entries, 4 were recorded",
        # After 0.2.0, HEIC is received, and recordings in AAC, AMR, AIFF and CAF.
        r"api/service/config: get\.answer\.body\.limits\.(audio|content)_types has \d+ entries, \d+ were recorded",
        r"rows/jobs/failures: upload:unsupported_media\.(error\.M\.)?message\.S: .*PNG, WebP or HEIC.*",
    )
)
# After 0.2.0, the last upload is received in the write that queues or completes its job: one version less.
VERSION = re.compile(r'.*\bseq(?:\.N)?: "?(\d+)"?, recorded was "?(\d+)"?')
FOLDERS = ("api", "endpoint", "events", "invocations", "notices", "outcomes", "queues", "rows", "socket")


def changes(played: Files, *, whole: bool) -> Iterator[str]:
    """Differences from what was recorded; unless ``whole``, only of what was run so far."""
    for name in (each for folder in FOLDERS for each in files.names(folder) if each not in ELSEWHERE):
        now = played.get(name, {})
        recorded = {part: value for part, value in files.read(name).items() if whole or part in now}
        if name.startswith("invocations/"):
            now, recorded = (
                {part: _with_defaults(value) for part, value in calls.items()} for calls in (now, recorded)
            )
        differences = files.differences(recorded, without_new_rows(recorded, now), sets=name == "api/problem_codes")
        lines = (f"{name}: {each}" for each in differences)
        yield from (line for line in lines if not _is_intended(line))


def _is_intended(line: str) -> bool:
    version = VERSION.fullmatch(line)
    one_less = version is not None and int(version[1]) == int(version[2]) - 1
    return one_less or any(intended.fullmatch(line) for intended in INTENDED)


def _with_defaults(call: Any) -> Any:
    """An invocation with the params that were left out since 0.1.0, which its container fills in."""
    body = call.get("body", {})
    if "params" not in body:
        return call
    params = today.typed_params(today.Invocation.model_validate(body)).model_dump(mode="json")
    return {**call, "body": {**body, "params": params}}


def without_new_rows(recorded: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """What was played, without rows whose key was not recorded: a new row is an addition, such as another limit."""

    def key(row: Any) -> str:
        return json.dumps([row.get("pk"), row.get("sk")]) if isinstance(row, dict) else ""

    if not isinstance(recorded.get("rows"), list) or not isinstance(now.get("rows"), list):
        return now
    known = {key(row) for row in recorded["rows"]}
    return now | {"rows": [row for row in now["rows"] if key(row) in known]}


def test_functions_store_send_and_return_what_was_recorded(
    make_deployment: Callable[[OutcomeOf], FakeDeployment],
) -> None:
    deployment = make_deployment(scenarios.recorded_outcomes())
    try:
        scenarios.run(deployment)
    except Exception as error:
        found = "\n".join(changes(deployment.files, whole=False))
        raise AssertionError(f"the scenarios broke off ({error!r}); up to there differs:\n{found}") from error
    found = "\n".join(changes(deployment.files, whole=True))
    assert not found, found
