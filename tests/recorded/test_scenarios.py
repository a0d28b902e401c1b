"""Today's functions with a container of 0.1.0: jobs go through the same states, rows, messages and answers."""

from collections.abc import Callable, Iterator
from typing import Any

from tests.recorded import files, scenarios, today
from tests.recorded.fake_deployment import FakeDeployment, OutcomeOf
from tests.recorded.files import Files

# Recorded by other means than the scenarios.
ELSEWHERE = ("api/openapi", "outcomes/http_answers")
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
        for each in files.differences(recorded, now, sets=name == "api/problem_codes"):
            yield f"{name}: {each}"


def _with_defaults(call: Any) -> Any:
    """An invocation with the params that were left out since 0.1.0, which its container fills in."""
    body = call.get("body", {})
    if "params" not in body:
        return call
    params = today.typed_params(today.Invocation.model_validate(body)).model_dump(mode="json")
    return {**call, "body": {**body, "params": params}}


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
