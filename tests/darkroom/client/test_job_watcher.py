"""Job watching, with a scripted socket and a clock that only advances while the code waits."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom import ProblemError, UnreachableError
from darkroom.client.blocking import iterate_blocking
from darkroom.client.errors import ConnectionLost
from darkroom.client.job_watcher import JobWatcher, Pace
from darkroom.contract.jobs import Job
from tests.darkroom.jobs import job

JOB_ID = "a" * 32
LAST = 9


class Clock:
    """Time passes by waiting alone."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float, /) -> None:
        assert seconds >= 0
        self.now += seconds


def state(seq: int) -> Job:
    return job(seq, "completed" if seq == LAST else "running")


def message(seq: int) -> dict[str, Any]:
    return {"type": "job", "job": state(seq).model_dump(mode="json")}


Step = int | str | dict[str, Any] | None
"""One thing a socket does: a state by its seq, ``drop``, a message (an odd one by its type), or a silence (None) of as
long as asked.
"""


class Script:
    """Sockets that do what is written, one connection after the other; then there is no socket any more."""

    def __init__(self, clock: Clock, connections: list[list[Step] | None]) -> None:
        self.clock = clock
        self.connections = list(connections)
        self.sent: list[dict[str, Any]] = []
        self.delivered: list[int] = []
        self.opened_at: list[float] = []

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["Script"]:
        self.opened_at.append(self.clock.now)
        steps = self.connections.pop(0) if self.connections else None
        if steps is None:
            raise ConnectionLost("refused")
        self.steps = iter(steps)
        yield self

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    async def receive(self, seconds: float) -> dict[str, Any] | None:
        step = next(self.steps, "drop")
        if step is None:
            await self.clock.sleep(seconds)
            return None
        if step == "drop":
            raise ConnectionLost("closed")
        if isinstance(step, int):
            self.delivered.append(step)
            return message(step)
        return step if isinstance(step, dict) else {"type": step}


Fetch = Callable[[], Awaitable[Job]]


def states(
    fetch: Fetch,
    connect: Callable[[], AbstractAsyncContextManager[Script]] | None,
    *,
    clock: Clock,
    after_seq: int = 0,
) -> Iterator[Job]:
    """The states that a watcher yields."""
    return iterate_blocking(JobWatcher(JOB_ID, fetch, connect, clock, after_seq=after_seq).states())


def answering(*seqs: int) -> Fetch:
    """GETs that find these states, the last one again and again."""
    left = list(seqs)

    async def fetch() -> Job:
        return state(left.pop(0) if len(left) > 1 else left[0])

    return fetch


async def never() -> Job:
    raise AssertionError("no GET is needed here")


def test_states_are_yielded_as_the_socket_sends_them_until_the_terminal_one() -> None:
    clock = Clock()
    script = Script(clock, [[1, 2, "pong", "subscribed_twice", 3, LAST, 4]])
    watch = states(never, script.connect, clock=clock)
    assert [each.seq for each in watch] == [1, 2, 3, LAST]
    assert script.sent == [{"action": "subscribe", "job_id": JOB_ID, "after_seq": 0}]


def test_a_lost_connection_resumes_after_the_last_seq() -> None:
    clock = Clock()
    script = Script(clock, [[1, 2, 3], [2, 3, 4, LAST]])
    watch = states(answering(3), script.connect, clock=clock)
    assert [each.seq for each in watch] == [1, 2, 3, 4, LAST]
    assert [each["after_seq"] for each in script.sent] == [0, 3]
    assert clock.now == 0  # the first break is made good at once


steps = st.one_of(st.integers(1, LAST - 1), st.sampled_from(["drop", "pong", "error", None]))
connections = st.lists(st.one_of(st.none(), st.lists(steps, max_size=8)), max_size=8)


@given(script=connections, gets=st.lists(st.integers(1, LAST - 1), max_size=40), after_seq=st.integers(0, LAST - 1))
def test_no_state_is_lost_repeated_or_out_of_order_for_any_connection_losses(
    script: list[list[Step] | None], gets: list[int], after_seq: int
) -> None:
    clock = Clock()
    sockets = Script(clock, script)
    answers = iter(sorted(gets))
    fetched: list[int] = []

    async def fetch() -> Job:
        fetched.append(next(answers, LAST))
        return state(fetched[-1])

    seen = [each.seq for each in states(fetch, sockets.connect, after_seq=after_seq, clock=clock)]

    assert all(earlier < later for earlier, later in pairwise([after_seq, *seen]))
    assert seen[-1] == LAST
    newest = after_seq
    for seq in sockets.delivered:
        assert seq in seen or seq <= max([newest, *fetched])
        newest = max(newest, seq)
    for earlier, later in pairwise(subscribed := [each["after_seq"] for each in sockets.sent if "after_seq" in each]):
        assert earlier <= later
    assert all(seq in {0, after_seq, *seen} for seq in subscribed)


def test_without_a_socket_it_polls_and_reconnects_with_backoff() -> None:
    clock = Clock()
    script = Script(clock, [None] * 8 + [[LAST]])
    polls: list[float] = []

    async def fetch() -> Job:
        polls.append(clock.now)
        return state(1)

    assert [each.seq for each in states(fetch, script.connect, clock=clock)] == [1, LAST]
    gaps = [later - earlier for earlier, later in pairwise(script.opened_at)]
    assert gaps[0] == 0
    assert gaps[-1] > gaps[1] * 4
    assert max(later - earlier for earlier, later in pairwise(polls)) <= Pace().poll + 1e-6


def test_a_deployment_without_a_socket_is_polled() -> None:
    clock = Clock()
    assert [each.seq for each in states(answering(1, 1, 2, 2, LAST), None, clock=clock)] == [1, 2, LAST]
    assert clock.now == pytest.approx(4 * Pace().poll)


def test_an_idle_socket_is_pinged_before_the_gateway_closes_it() -> None:
    clock = Clock()
    silence: list[Step] = [None] * 60
    script = Script(clock, [[1, *silence, LAST]])
    assert [each.seq for each in states(answering(1), script.connect, clock=clock)] == [1, LAST]
    pings = [each for each in script.sent if each == {"action": "ping"}]
    assert clock.now > 600
    assert len(pings) >= clock.now // 300


def shortened(seq: int, *omitted: str) -> dict[str, Any]:
    """The message of a state without its params, and without other parts by name."""
    short = state(seq).model_copy(update={"params": {}})
    return {"type": "job", "job": short.model_dump(mode="json"), "omitted": ["params", *omitted]}


def test_params_that_a_message_left_out_are_those_of_the_state_before() -> None:
    clock = Clock()
    script = Script(clock, [[1, shortened(2, "uploads.url", "preview.url"), LAST]])
    watch = list(states(never, script.connect, clock=clock))
    assert [each.seq for each in watch] == [1, 2, LAST]
    assert [each.params for each in watch] == [{"style": "modern"}] * 3


@pytest.mark.parametrize(
    ("steps", "gets"),
    [
        ([shortened(2), LAST], [2]),
        ([1, shortened(2, "timeline"), LAST], [3]),
        ([1, shortened(2, "a part of a later version"), LAST], [2]),
        ([1, shortened(LAST, "uploads.url")], [LAST]),
    ],
    ids=["no state before", "another part", "an unknown part", "links at the end"],
)
def test_what_a_message_left_out_is_fetched(steps: list[Step], gets: list[int]) -> None:
    clock = Clock()
    watch = list(states(answering(*gets), Script(clock, [steps]).connect, clock=clock))
    assert [each.seq for each in watch][-2:] in ([gets[0], LAST], [1, LAST])
    assert all(each.params == {"style": "modern"} for each in watch)
    assert clock.now == 0


def test_an_end_whose_rest_cannot_be_fetched_is_fetched_later() -> None:
    clock = Clock()
    script = Script(clock, [[1, shortened(LAST, "result")]])
    watch = states(failing(UnreachableError("away"), UnreachableError("away")), script.connect, clock=clock)
    assert [(each.seq, each.params) for each in watch] == [(1, {"style": "modern"}), (LAST, {"style": "modern"})]
    assert clock.now <= Pace().poll * 2


def test_a_message_of_an_earlier_service_leaves_out_nothing() -> None:
    clock = Clock()
    assert "omitted" not in message(1)
    assert [each.seq for each in states(never, Script(clock, [[1, LAST]]).connect, clock=clock)] == [1, LAST]


def test_the_end_is_found_by_polling_if_the_socket_sends_nothing() -> None:
    clock = Clock()
    script = Script(clock, [[1, None, None, None, None]])
    assert [each.seq for each in states(answering(LAST), script.connect, clock=clock)] == [1, LAST]
    assert clock.now <= Pace().quiet


def test_a_job_that_ended_at_after_seq_ends_the_watch_without_a_state() -> None:
    clock = Clock()
    script = Script(clock, [["subscribed", None]])
    assert list(states(answering(LAST), script.connect, after_seq=LAST, clock=clock)) == []
    assert clock.now == 0


def failing(*errors: Exception) -> Fetch:
    left = list(errors)

    async def fetch() -> Job:
        if left:
            raise left.pop(0)
        return state(LAST)

    return fetch


def test_a_short_outage_of_the_service_is_waited_for() -> None:
    clock = Clock()
    busy = ProblemError(status=503, code="internal", title="Service Unavailable")
    watch = states(failing(UnreachableError("away"), busy), Script(clock, []).connect, clock=clock)
    assert [each.seq for each in watch] == [LAST]


def test_a_long_outage_of_the_service_ends_the_watch() -> None:
    clock = Clock()

    async def fetch() -> Job:
        raise UnreachableError("away")

    with pytest.raises(UnreachableError):
        list(states(fetch, Script(clock, []).connect, clock=clock))
    assert 60 < clock.now <= 62, "a minute, and asked once a second"


def test_a_rejected_request_ends_the_watch_at_once() -> None:
    clock = Clock()
    refusal = ProblemError(status=404, code="not_found", title="Not Found")
    with pytest.raises(ProblemError):
        list(states(failing(refusal), Script(clock, [["error"]]).connect, clock=clock))
    assert clock.now == 0
