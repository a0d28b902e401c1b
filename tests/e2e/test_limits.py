"""Rate limits under a crowd."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from infra.local.stack import LocalStack
from tests.e2e.caller import Caller


def test_of_fifty_at_once_just_the_limit_gets_through(stack: LocalStack) -> None:
    crowd = Caller(stack.endpoint, stack.socket, stack.token_for("crowd"), patience=240)  # a process for each
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: crowd.ask("generate", {"prompt": "a cat"}, engine="models"), range(50)))
    through = [answer for answer in answers if answer.status_code == httpx.codes.CREATED]
    refused = [answer for answer in answers if answer.status_code == httpx.codes.TOO_MANY_REQUESTS]
    assert (len(through), len(refused)) == (10, 40), [answer.text for answer in answers if answer.is_server_error]
    for answer in through:
        crowd.cancel(answer.json()["job"]["job_id"])

    assert sorted(int(answer.headers["RateLimit-Remaining"]) for answer in through) == list(range(10))
    told = refused[0]
    assert told.json()["code"] == "rate_limited"
    assert 0 < int(told.headers["Retry-After"]) <= 300
    assert (told.headers["RateLimit-Limit"], told.headers["X-RateLimit-Window"]) == ("10", "300")
    allowed = crowd.ask("restyle_room", {"style": "modern"}, {"photo": {"content_type": "image/jpeg"}})
    assert allowed.status_code == httpx.codes.CREATED, "another kind has a limit of its own"
