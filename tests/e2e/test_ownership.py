"""Ownership: only a job's owner can see, watch, list or cancel it; requests without a token get nothing."""

import httpx2
import pytest
from websockets.exceptions import InvalidStatus

from infra.local.stack import LocalStack
from tests.e2e.caller import Caller


def test_another_owner_finds_nothing(caller: Caller, other: Caller) -> None:
    job_id, _ = caller.created()
    assert other.http.get(f"/jobs/{job_id}").status_code == httpx2.codes.NOT_FOUND
    assert other.cancel(job_id).status_code == httpx2.codes.NOT_FOUND
    assert other.http.post(f"/jobs/{job_id}/uploads").status_code == httpx2.codes.NOT_FOUND
    assert job_id not in other.http.get("/jobs").text
    assert caller.get(job_id)["state"] == "awaiting_upload"


def test_another_owner_cannot_watch(caller: Caller, other: Caller) -> None:
    job_id, _ = caller.created()
    with other.socket() as socket:
        socket.send(action="subscribe", job_id=job_id)
        answer = socket.receive()
        assert (answer["type"], answer["error"]["code"]) == ("error", "not_found")
        caller.cancel(job_id)
        socket.send(action="ping")
        assert socket.receive() == {"type": "pong"}


@pytest.mark.parametrize("token", [None, "not-a-token", "tampered"])
def test_requests_without_a_valid_token_are_rejected(stack: LocalStack, caller: Caller, token: str | None) -> None:
    if token == "tampered":
        assert caller.token is not None
        head, payload, signature = caller.token.split(".")
        middle = len(signature) // 2
        swapped = "A" if signature[middle] != "A" else "B"
        token = ".".join((head, payload, signature[:middle] + swapped + signature[middle + 1 :]))
    stranger = Caller(stack.endpoint, stack.socket, token)
    assert stranger.http.get("/jobs").status_code == httpx2.codes.UNAUTHORIZED
    assert stranger.create().status_code == httpx2.codes.UNAUTHORIZED
    with pytest.raises(InvalidStatus) as refused, stranger.socket():
        pass
    assert refused.value.response.status_code in {401, 403}


def test_a_socket_responds_to_invalid_messages_without_closing(caller: Caller) -> None:
    with caller.socket() as socket:
        for message in ({"action": "dance"}, {"action": "subscribe"}, {"action": "subscribe", "job_id": "../x"}):
            socket.send(**message)
            answer = socket.receive()
            assert (answer["type"], answer["error"]["code"]) == ("error", "invalid_request")
        socket.send(action="ping")
        assert socket.receive() == {"type": "pong"}
