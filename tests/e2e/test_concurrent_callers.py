"""Many concurrent callers, as many as a small machine can serve, because the emulator starts a process for each.

Both tests are in this file so that the second one finds those processes started.
"""

from concurrent.futures import ThreadPoolExecutor

import httpx2

from infra.local.stack import LocalStack
from tests.e2e import pictures
from tests.e2e.caller import Caller

CALLERS = 10
LIMIT = 5  # for each to generate, as the stack is told (tests/unlimited.py)
TIMEOUT_SECONDS = 240  # seconds


def test_concurrent_requests_are_all_answered(caller: Caller, stack: LocalStack) -> None:
    photo = {"photo": pictures.jpeg(184, 120)}
    caller.run("upscale", {"scale": 2}, photo, declared=True, cache=True)
    callers = Caller(stack.endpoint, stack.socket, caller.token, timeout=TIMEOUT_SECONDS)
    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(
            pool.map(
                lambda _: callers.submit("upscale", {"scale": 2}, photo, declared=True, cache=True), range(CALLERS)
            )
        )
    assert [answer.status_code for answer in answers] == [httpx2.codes.CREATED] * CALLERS
    assert all(answer.json()["job"]["cached"] for answer in answers)
    assert len({answer.json()["job"]["job_id"] for answer in answers}) == CALLERS


def test_concurrent_requests_beyond_the_rate_limit_are_rejected(stack: LocalStack) -> None:
    callers = Caller(stack.endpoint, stack.socket, stack.token_for("crowd"), timeout=TIMEOUT_SECONDS)
    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(
            pool.map(lambda _: callers.submit("generate", {"prompt": "a cat"}, engine="models"), range(CALLERS))
        )
    accepted = [answer for answer in answers if answer.status_code == httpx2.codes.CREATED]
    rejected = [answer for answer in answers if answer.status_code == httpx2.codes.TOO_MANY_REQUESTS]
    assert (len(accepted), len(rejected)) == (LIMIT, CALLERS - LIMIT), [answer.text for answer in answers]
    for answer in accepted:
        callers.cancel(answer.json()["job"]["job_id"])

    assert sorted(int(answer.headers["RateLimit-Remaining"]) for answer in accepted) == list(range(LIMIT))
    response = rejected[0]
    assert response.json()["code"] == "rate_limited"
    assert 0 < int(response.headers["Retry-After"]) <= 300
    assert (response.headers["RateLimit-Limit"], response.headers["X-RateLimit-Window"]) == (str(LIMIT), "300")
    allowed = callers.submit("restyle_room", {"style": "modern"}, {"photo": {"content_type": "image/jpeg"}})
    assert allowed.status_code == httpx2.codes.CREATED, "another kind has a limit of its own"
