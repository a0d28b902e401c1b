"""Token expiry while a job is watched: the client renews the token and misses no state."""

from typing import Any, ClassVar

import pytest

from darkroom import Client, ProblemError
from darkroom.client.job_watcher import Pace
from tests.darkroom.driven_client import MakeClient
from tests.darkroom.fake_service import Service
from tests.darkroom.jobs import job


def test_a_watch_whose_token_expires_connects_again_with_a_new_one_and_misses_nothing(
    service: Service, make_client: MakeClient
) -> None:
    class Tokens:
        """Tokens that the client believes valid, until it is told to forget one."""

        values: ClassVar = ["first", "second", "third"]
        forgotten = 0

        def token(self) -> str:
            return self.values[self.forgotten]

        def forget(self) -> bool:
            self.forgotten += 1
            return True

    def on_subscribe(message: dict[str, Any]) -> None:
        if len(service.subscriptions) == 1:
            service.job = job(4, "running", progress=0.5)  # changed in the moment of expiry
            service.expire_token("second")
        else:
            service.change(service.done(5))

    service.token = "first"
    service.job = job(2, "queued")
    service.on_subscribe = on_subscribe
    tokens = Tokens()
    with make_client(service.url, tokens, pace=Pace(poll=0.01, first_reconnect=0.01)) as client:
        seen = [(each.seq, each.state) for each in client.watch(service.job, after_seq=2)]
    assert seen == [(4, "running"), (5, "completed")]
    assert [message["after_seq"] for message in service.subscriptions] == [2, 4]
    assert tokens.forgotten == 1
    assert len(service.keys("GET", f"/jobs/{service.job.job_id}")) == 1


def test_a_watch_whose_token_cannot_be_renewed_raises_unauthorized(client: Client, service: Service) -> None:
    service.job = job(2, "queued")
    service.on_subscribe = lambda _message: service.expire_token("second")
    with pytest.raises(ProblemError) as caught:
        list(client.watch(service.job, after_seq=2))
    assert caught.value.code == "unauthorized"
