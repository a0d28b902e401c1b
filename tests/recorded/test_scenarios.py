"""Today's functions beside a container of 0.1.0: jobs go through the same states, rows, messages and answers."""

from collections.abc import Callable

import pytest

from tests.recorded import files, scenarios
from tests.recorded.files import Files
from tests.recorded.world import OutcomeOf, World

# Recorded by other means than the scenarios.
ELSEWHERE = ("api/openapi", "outcomes/http_answers")
FOLDERS = ("api", "endpoint", "events", "invocations", "notices", "outcomes", "queues", "rows", "socket")


@pytest.fixture
def played(make_world: Callable[[OutcomeOf], World]) -> Files:
    """What today's functions make of all scenarios, given the outcomes that the old container wrote."""
    return scenarios.play(make_world(scenarios.recorded_outcomes()))


def test_todays_functions_store_send_and_answer_what_was_recorded(played: Files) -> None:
    recorded = [name for folder in FOLDERS for name in files.names(folder) if name not in ELSEWHERE]
    found = []
    for name in recorded:
        found += [f"{name}: {each}" for each in files.differences(files.read(name), played.get(name, {}))]
    assert found == []
