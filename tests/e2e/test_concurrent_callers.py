"""Many concurrent callers, as many as a small machine can serve, because the emulator starts a process for each.

Both tests are in this file so that the second one finds those processes started.
"""

from concurrent.futures import ThreadPoolExecutor

import httpx

from infra.local.stack import LocalStack
from tests.e2e import pictures
from tests.e2e.caller import Caller

CROWD = 10
LIMIT = 5  # for each to generate, as the stack is told (tests/unlimited.py)
PATIENCE = 240  # seconds


def test_concurrent_requests_are_all_answered(caller: Caller, stack: LocalStack) -> None:
    photo = {"photo": pictures.jpeg(184, 120)}
    caller.make("upscale", {"scale": 2}, photo, declared=True, cache=True)
    crowd = Caller(stack.endpoint, stack.socket, caller.token, patience=PATIENCE)
    with ThreadPoolExecutor(CROWD) as pool:
        answers = list(
            pool.map(lambda _: crowd.ask("upscale", {"scale": 2}, photo, declared=True, cache=True), range(CROWD))
        )
    assert [answer.status_code for answer in answers] == [httpx.codes.CREATED] * CROWD
    assert all(answer.json()["job"]["cached"] for answer in answers)
    assert len({answer.json()["job"]["job_id"] for answer in answers}) == CROWD


def test_concurrent_requests_beyond_the_rate_limit_are_rejected(stack: LocalStack) -> None:
    crowd = Caller(stack.endpoint, stack.socket, stack.token_for("crowd"), patience=PATIENCE)
    with ThreadPoolExecutor(CROWD) as pool:
        answers = list(pool.map(lambda _: crowd.ask("generate", {"prompt": "a cat"}, engine="models"), range(CROWD)))
    through = [answer for answer in answers if answer.status_code == httpx.codes.CREATED]
    refused = [answer for answer in answers if answer.status_code == httpx.codes.TOO_MANY_REQUESTS]
    assert (len(through), len(refused)) == (LIMIT, CROWD - LIMIT), [answer.text for answer in answers]
    for answer in through:
        crowd.cancel(answer.json()["job"]["job_id"])

    assert sorted(int(answer.headers["RateLimit-Remaining"]) for answer in through) == list(range(LIMIT))
    told = refused[0]
    assert told.json()["code"] == "rate_limited"
    assert 0 < int(told.headers["Retry-After"]) <= 300
    assert (told.headers["RateLimit-Limit"], told.headers["X-RateLimit-Window"]) == (str(LIMIT), "300")
    allowed = crowd.ask("restyle_room", {"style": "modern"}, {"photo": {"content_type": "image/jpeg"}})
    assert allowed.status_code == httpx.codes.CREATED, "another kind has a limit of its own"
